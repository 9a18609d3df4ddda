"""From queries to ranked items: encode, search, rank, weigh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.examples import UNKNOWN
from tfrs_mtl.dataset.frames import QUERY_ID, Frame, pair_frame
from tfrs_mtl.index import Excluded, Found, kept
from tfrs_mtl.mixing import Standing
from tfrs_mtl.models import Models
from tfrs_mtl.schema import Schema
from tfrs_mtl.scoring.mix import mixed
from tfrs_mtl.scoring.objective import Floats, as_shares, expected_value
from tfrs_mtl.scoring.own import own_items
from tfrs_mtl.scoring.queries import EncodedQueries, filled
from tfrs_mtl.scoring.ranked import Ranked, best_of, joined
from tfrs_mtl.scoring.rows import Rows, merged
from tfrs_mtl.scoring.snapshot import ItemSnapshot

_PAIRS_A_BLOCK = 32_768


@dataclass(frozen=True)
class Scorer:
    """Retrieval and ranking over one snapshot of items.

    Attributes:
        candidates: items retrieved for each query before ranking.
        k: items kept for each query after ranking.
        weights: task -> weight of its expected value in the score.
        exposure: how many sampled negatives of each item a positive met in training, [items]; see
            ``as_shares``. None where the shop logs impressions.
        standing: what the past says of the items; without it, or a mixer, candidates come unmixed.
    """

    schema: Schema
    models: Models
    items: ItemSnapshot
    candidates: int
    k: int
    weights: Mapping[str, float]
    exposure: Floats | None = None
    standing: Standing | None = None

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
        encoded = self.encode(queries)
        found = self.find(encoded, self.candidates, excluded=excluded)
        return self.rank(encoded, found, context=context)

    def encode(self, queries: Frame) -> EncodedQueries:
        """Return the queries as the models see them, with the items that they met before."""
        arrays = self.models.preprocessor.encode("query", queries)
        return EncodedQueries(queries, arrays, own_items(self.schema, queries, self.items.lookup))

    @property
    def mixes(self) -> bool:
        """Whether candidates of all sources get one order."""
        return self.models.mixer is not None and self.standing is not None

    def find(self, queries: EncodedQueries, k: int, *, excluded: Excluded | None = None) -> Rows:
        """Return each query's candidates, every row of the snapshot once, -1 where there is none.

        They are the k best of all sources where they are mixed, else of the towers, then what the query met
        before, [n, k + own].
        """
        items = len(self.items.frame)
        if self.mixes:
            found = self.mixed(queries, k, excluded=excluded)
        else:
            found = self.search(queries, k, excluded=excluded).rows
        return merged([found, kept(queries.own, items, allowed=None, excluded=excluded)], items)

    def mixed(
        self,
        queries: EncodedQueries,
        k: int,
        *,
        excluded: Excluded | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Rows:
        """Return each query's k best candidates of all sources, best first, [n, k]; -1 for none."""
        return mixed(self, queries, k, excluded=excluded, allowed=allowed)

    def knows(self, queries: Frame) -> NDArray[np.bool_]:
        """Say of each query whether anything is known: a feature, or an id that the models have met, [n].

        Of others the models can say nothing; what is popular suits them better.
        """
        known = filled(queries)
        if not known.all():
            ids = self.models.preprocessor.encode("query", queries).get(QUERY_ID)
            known = known if ids is None else known | np.greater(ids, UNKNOWN)
        return known

    def search(
        self,
        queries: EncodedQueries,
        k: int,
        *,
        excluded: Excluded | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Found:
        """Return the k best rows of the snapshot by the towers alone, with scores; see ``Index.search``."""
        vectors = self.models.retrieval.encode_queries(queries.arrays)
        most = min(k, len(self.items.frame))
        return self.items.index.search(vectors, most, excluded=excluded, allowed=allowed)

    def rank(
        self,
        queries: EncodedQueries,
        candidates: Rows,
        *,
        context: Mapping[str, pa.Array] | None = None,
        k: int | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> Ranked:
        """Order each query's candidates [n, c] by the objective and keep the best k, block by block.

        Args:
            context: feature -> [n]; absent features are null.
            k, weights: others than the scorer's own.
        """
        most, weighed = k or self.k, weights or self.weights
        length = max(1, _PAIRS_A_BLOCK // max(candidates.shape[1], 1))
        parts = []
        for start in range(0, len(queries), length):
            block = queries.slice(start, length)
            given = {name: column.slice(start, length) for name, column in (context or {}).items()}
            rows = candidates[start : start + length]
            parts.append(self._rank_block(block, rows, given, most, weighed))
        return joined(parts, most, [task.name for task in self.schema.spec.ranking.tasks])

    def _rank_block(
        self,
        queries: EncodedQueries,
        candidates: Rows,
        context: Mapping[str, pa.Array],
        k: int,
        weights: Mapping[str, float],
    ) -> Ranked:
        held = candidates >= 0
        query_rows, item_rows = np.nonzero(held)[0].astype(np.int64), candidates[held].astype(np.int64)
        predictions = self.predict(queries, query_rows, item_rows, context=context)
        tasks = self.schema.spec.ranking.tasks
        if self.exposure is not None:
            predictions = as_shares(tasks, predictions, self.exposure[item_rows], self.models.shares)
        score = expected_value(tasks, predictions, weights)
        return best_of(candidates, score, predictions, k)

    def predict(
        self,
        queries: EncodedQueries,
        query_rows: NDArray[np.int64],
        item_rows: NDArray[np.int64],
        *,
        context: Mapping[str, pa.Array],
    ) -> dict[str, Floats]:
        """Return each task's prediction of n (query row, item row) pairs, task -> [n]."""
        pairs = pair_frame(
            self.schema,
            queries.frame,
            self.items.frame,
            query_rows=query_rows,
            item_rows=item_rows,
            times=queries.frame.times[query_rows],
            context={name: column.take(pa.array(query_rows)) for name, column in context.items()},
        )
        return self.models.inference.predict(
            queries.arrays,
            self.items.encoded(self.models.inference),
            self.models.preprocessor.encode("pair", pairs),
            query_rows=query_rows,
            item_rows=item_rows,
        )
