"""From queries to ranked items: encode, search, rank, weigh. Batch, evaluation and serving share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.examples import Arrays
from tfrs_mtl.dataset.frames import ITEM_ID, Frame, item_frame, pair_frame
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


def read_snapshot(repo: FeatureRepo, schema: Schema, models: Models, keys: pa.Array, *, at: int) -> ItemSnapshot:
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
    """

    schema: Schema
    models: Models
    items: ItemSnapshot
    candidates: int
    k: int
    weights: Mapping[str, float]

    def recommend(
        self, queries: Frame, *, context: Mapping[str, pa.Array] | None = None, excluded: Excluded | None = None
    ) -> Ranked:
        """Return the best k items of each query.

        Args:
            queries: n queries, each seen at its own time.
            context: feature -> [n]; absent features are null.
            excluded: rows of the snapshot that a query must not get.
        """
        found = self.retrieve(queries, self.candidates, excluded=excluded)
        return self.rank(queries, found, context=context)

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
        query_rows = np.nonzero(held)[0].astype(np.int64)
        predictions = self.predict(queries, query_rows, candidates[held].astype(np.int64), context=context)
        score = expected_value(self.schema.spec.ranking.tasks, predictions, self.weights)
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


def _best_of(candidates: NDArray[np.int32], score: Floats, predictions: Mapping[str, Floats], k: int) -> Ranked:
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
