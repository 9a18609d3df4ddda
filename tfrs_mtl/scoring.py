"""From queries to ranked items: encode, search, rank, weigh. Batch, evaluation and serving share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfrs_mtl.dataset.encoders.ragged import lengths_of, padded
from tfrs_mtl.dataset.examples import UNKNOWN, Arrays
from tfrs_mtl.dataset.frames import ITEM_ID, QUERY_ID, Frame, item_frame, pair_frame
from tfrs_mtl.index import ExactIndex, Excluded, Index
from tfrs_mtl.models import Models
from tfrs_mtl.schema import Schema
from tfrs_mtl.spec import Task
from tfrs_mtl.store import FeatureRepo

_PAIRS_A_BLOCK = 32_768

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ItemSnapshot:
    """The candidates at a moment: raw features, encoded features and the index, row by row the same items."""

    frame: Frame
    arrays: Arrays
    index: Index

    @property
    def keys(self) -> pa.Array:
        """Join keys of the items, [items]."""
        return self.frame.columns[ITEM_ID]


@dataclass(frozen=True)
class Ranked:
    """The best k items of each query, best first.

    Attributes:
        rows: int32 [queries, k], rows of the item snapshot, -1 where there are fewer than k.
        scores: float32 [queries, k], the objective; -inf where ``rows`` is -1.
        predictions: task -> float32 [queries, k]: probability, or value in the label's units; under
            ``when`` the conditional one. NaN where ``rows`` is -1.
    """

    rows: NDArray[np.int32]
    scores: Floats
    predictions: Mapping[str, Floats]


def read_snapshot(
    repo: FeatureRepo, schema: Schema, models: Models, keys: pa.Array, *, at: int
) -> ItemSnapshot:
    """Read the items' features as of a moment (microseconds) from the offline store, and index them."""
    return to_snapshot(models, item_frame(repo, schema, keys, np.full(len(keys), at, np.int64)))


def to_snapshot(models: Models, frame: Frame) -> ItemSnapshot:
    """Encode and index a frame of items."""
    arrays = models.preprocessor.encode("item", frame)
    return ItemSnapshot(frame, arrays, ExactIndex.build(models.retrieval.encode_items(arrays)))


@dataclass(frozen=True)
class Scorer:
    """Retrieval and ranking over one snapshot of items.

    Attributes:
        candidates: items retrieved for each query before ranking.
        k: items kept for each query after ranking.
        weights: task -> weight of its expected value in the score.
        exposure: how many sampled negatives of each item a positive met in training, [items]; see
            ``as_shares``. None where the shop logs impressions.
    """

    schema: Schema
    models: Models
    items: ItemSnapshot
    candidates: int
    k: int
    weights: Mapping[str, float]
    exposure: Floats | None = None

    def recommend(
        self,
        queries: Frame,
        *,
        context: Mapping[str, pa.Array] | None = None,
        excluded: Excluded | None = None,
    ) -> Ranked:
        """Return the best k items of each query.

        Args:
            queries: n queries, each seen at its own time.
            context: feature -> [n]; absent features are null.
            excluded: rows of the snapshot that a query must not get.
        """
        found = self.find(queries, self.candidates, excluded=excluded)
        return self.rank(queries, found, context=context)

    def find(self, queries: Frame, k: int, *, excluded: Excluded | None = None) -> NDArray[np.int32]:
        """Return each query's candidates: the k best of the towers, then what it met before, [n, k + own].

        Every row of the snapshot stands once for a query; -1 where there is none.
        """
        found = self.retrieve(queries, k, excluded=excluded)
        own = own_items(self.schema, queries, self.items.keys)
        return np.hstack([found, _without(own, found, excluded, len(self.items.frame))])

    def knows(self, queries: Frame) -> NDArray[np.bool_]:
        """Say of each query whether anything is known: a feature, or an id that the models have met, [n].

        Of others the models can say nothing; what is popular suits them better.
        """
        known = np.zeros(len(queries), np.bool_)
        for name, column in queries.columns.items():
            if name != QUERY_ID:
                known |= pc.is_valid(column).to_numpy(zero_copy_only=False)
        if not known.all():
            ids = self.models.preprocessor.encode("query", queries).get(QUERY_ID)
            known = known if ids is None else known | np.greater(ids, UNKNOWN)
        return known

    def retrieve(self, queries: Frame, k: int, *, excluded: Excluded | None = None) -> NDArray[np.int32]:
        """Return the k best rows of the snapshot by the towers alone, [n, k], padded with -1."""
        encoded = self.models.preprocessor.encode("query", queries)
        vectors = self.models.retrieval.encode_queries(encoded)
        return self.items.index.search(vectors, min(k, len(self.items.frame)), excluded=excluded).rows

    def rank(
        self, queries: Frame, candidates: NDArray[np.int32], *, context: Mapping[str, pa.Array] | None = None
    ) -> Ranked:
        """Order each query's candidates [n, c] by the objective and keep the best k, block by block."""
        length = max(1, _PAIRS_A_BLOCK // max(candidates.shape[1], 1))
        parts = []
        for start in range(0, len(queries), length):
            block = queries.slice(start, length)
            given = {name: column.slice(start, length) for name, column in (context or {}).items()}
            parts.append(self._rank_block(block, candidates[start : start + length], given))
        return _joined(parts, self.k, [task.name for task in self.schema.spec.ranking.tasks])

    def _rank_block(
        self, queries: Frame, candidates: NDArray[np.int32], context: Mapping[str, pa.Array]
    ) -> Ranked:
        held = candidates >= 0
        query_rows, item_rows = np.nonzero(held)[0].astype(np.int64), candidates[held].astype(np.int64)
        predictions = self.predict(queries, query_rows, item_rows, context=context)
        tasks = self.schema.spec.ranking.tasks
        if self.exposure is not None:
            predictions = as_shares(tasks, predictions, self.exposure[item_rows])
        score = expected_value(tasks, predictions, self.weights)
        return _best_of(candidates, score, predictions, self.k)

    def predict(
        self,
        queries: Frame,
        query_rows: NDArray[np.int64],
        item_rows: NDArray[np.int64],
        *,
        context: Mapping[str, pa.Array],
    ) -> dict[str, Floats]:
        """Return each task's prediction of n (query row, item row) pairs, task -> [n]."""
        pairs = pair_frame(
            self.schema,
            queries,
            self.items.frame,
            query_rows=query_rows,
            item_rows=item_rows,
            times=queries.times[query_rows],
            context={name: column.take(pa.array(query_rows)) for name, column in context.items()},
        )
        encode = self.models.preprocessor.encode
        features = {
            **{name: array[query_rows] for name, array in encode("query", queries).items()},
            **{name: array[item_rows] for name, array in self.items.arrays.items()},
            **encode("pair", pairs),
        }
        return self.models.ranking.predict(features)


def as_shares(
    tasks: tuple[Task, ...], predictions: Mapping[str, Floats], exposure: Floats
) -> dict[str, Floats]:
    """Turn probabilities among sampled negatives into shares of what a query meets next.

    A model that tells positives from negatives drawn with density q(i), m to a positive, learns the odds
    P(i | query) / (m q(i)), whatever q is (the density ratio of logistic regression). Ranked by those odds,
    popular items lose what they were drawn too often for. So P(i | query) = odds * m q(i), which sums to 1
    over the catalogue: the chance that the query's next interaction is with this item.

    Args:
        exposure: m q(i) of each row's item, [n].

    Returns:
        The same tasks; binary ones without a condition as shares, the others as they are.
    """
    shares = dict(predictions)
    for task in tasks:
        if task.kind == "binary" and task.when is None:
            probability = np.clip(predictions[task.name].astype(np.float64), 0, 1 - 1e-7)
            share = probability / (1 - probability) * exposure
            shares[task.name] = np.minimum(share, 1).astype(np.float32)
    return shares


def own_items(schema: Schema, queries: Frame, keys: pa.Array) -> NDArray[np.int32]:
    """Return the rows of the items in each query's history and item-keyed pair views, [n, most], or -1."""
    names = [feature.name for feature in schema.query.features if feature.kind == "history"]
    names += [pair.keys for pair in schema.pairs if pair.attribute == schema.item.key.name]
    found = []
    for name in names:
        column = queries.columns[name]
        rows = pc.fill_null(pc.index_in(column.flatten().cast(keys.type), value_set=keys), -1)
        lengths = lengths_of(column)
        flat = np.asarray(rows.to_numpy(zero_copy_only=False), np.int32)
        found.append(padded(flat, lengths, int(lengths.max(initial=0)), -1))
    return np.hstack(found) if found else np.empty((len(queries), 0), np.int32)


def _without(
    own: NDArray[np.int32], found: NDArray[np.int32], excluded: Excluded | None, items: int
) -> NDArray[np.int32]:
    """Blank the rows of ``own`` that come again, are in ``found`` already, or are excluded."""
    owners = np.arange(len(own), dtype=np.int64)[:, None] * items
    codes = np.where(own >= 0, owners + own, -1)
    barred = [(owners + found)[found >= 0]]
    if excluded is not None:
        barred.append(np.repeat(owners[:, 0], np.diff(excluded.indptr)) + excluded.rows)
    first = np.zeros(codes.size, bool)
    first[np.unique(codes, return_index=True)[1]] = True
    kept = first.reshape(codes.shape) & (codes >= 0) & ~np.isin(codes, np.concatenate(barred))
    return np.where(kept, own, -1).astype(np.int32)


def expected_value(
    tasks: tuple[Task, ...], predictions: Mapping[str, Floats], weights: Mapping[str, float]
) -> Floats:
    """Return the weighted sum of the tasks' expected values.

    A task under ``when`` counts with the probability that its condition comes true: the sum is over
    ``weight * P(when) * prediction``, along the whole chain of conditions.
    """
    by_name = {task.name: task for task in tasks}
    total = np.zeros_like(next(iter(predictions.values())))
    for name, weight in weights.items():
        value, parent = predictions[name], by_name[name].when
        while parent is not None:
            value, parent = value * predictions[parent], by_name[parent].when
        total = total + np.float32(weight) * value
    return np.asarray(total, np.float32)


def _best_of(
    candidates: NDArray[np.int32], score: Floats, predictions: Mapping[str, Floats], k: int
) -> Ranked:
    """Order each query's candidates by score (ties by row number) and keep k."""
    held = candidates >= 0
    scores = np.full(candidates.shape, -np.inf, np.float32)
    scores[held] = score
    order = np.lexsort((candidates, -scores), axis=1)[:, :k]
    spread = {name: np.full(candidates.shape, np.nan, np.float32) for name in predictions}
    for name, values in predictions.items():
        spread[name][held] = values
    take = np.take_along_axis
    return Ranked(
        take(candidates, order, 1), take(scores, order, 1), {n: take(v, order, 1) for n, v in spread.items()}
    )


def _joined(parts: list[Ranked], k: int, tasks: list[str]) -> Ranked:
    """Lay the blocks under each other and pad them to k columns."""

    def whole(arrays: list[NDArray[np.generic]], fill: float, dtype: type) -> NDArray[np.generic]:
        joined = np.concatenate(arrays) if arrays else np.empty((0, k), dtype)
        return np.pad(joined, ((0, 0), (0, k - joined.shape[1])), constant_values=fill)

    return Ranked(
        whole([p.rows for p in parts], -1, np.int32).astype(np.int32),
        whole([p.scores for p in parts], -np.inf, np.float32).astype(np.float32),
        {t: whole([p.predictions[t] for p in parts], np.nan, np.float32).astype(np.float32) for t in tasks},
    )
