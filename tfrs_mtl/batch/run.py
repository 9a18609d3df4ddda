"""Batch recommendations: every query -> candidates -> ranked -> a sink."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfrs_mtl.batch.sinks import Sink, Written
from tfrs_mtl.dataset.frames import query_frame
from tfrs_mtl.dataset.interactions import microseconds
from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.schema import Schema
from tfrs_mtl.scoring import EncodedQueries, Ranked, Scorer
from tfrs_mtl.store import MOMENT, arrow_type

_QUERIES_A_BLOCK = 4096
UNKNOWN_QUERY = "unknown_query"


@dataclass(frozen=True)
class BatchJob:
    """Who is to be recommended what, as of when.

    Attributes:
        run_id: names the run; a second run of the same id replaces the first.
        at: the moment as of which features are read.
        created: the time of writing.
        popular: rows of the item snapshot in order of popularity, for queries of which nothing is known.
    """

    shop: Shop
    scorer: Scorer
    run_id: str
    at: datetime
    created: datetime
    popular: NDArray[np.int64]

    def run(self, keys: pa.Array, sink: Sink) -> Written:
        """Score all queries block by block into a sink; it is written whole or not at all."""
        return sink.write(self._blocks(keys), schema=result_schema(self.shop.schema), run_id=self.run_id)

    def _blocks(self, keys: pa.Array) -> Iterator[pa.Table]:
        for start in range(0, len(keys), _QUERIES_A_BLOCK):
            yield self._score(keys.slice(start, _QUERIES_A_BLOCK))

    def _score(self, keys: pa.Array) -> pa.Table:
        at = np.full(len(keys), microseconds(self.at), np.int64)
        queries = query_frame(self.shop.repo, self.shop.schema, keys, at)
        is_known = self.scorer.knows(queries)
        return self._table(keys, self._ranked(self.scorer.encode(queries), is_known), is_known)

    def _ranked(self, queries: EncodedQueries, is_known: NDArray[np.bool_]) -> Ranked:
        """Rank what the towers found for known queries, and what is popular for the others."""
        candidates = self.scorer.find(queries, self.scorer.candidates)
        fallback = np.full(candidates.shape[1], -1, np.int32)
        popular = self.popular[: self.scorer.candidates]
        fallback[: len(popular)] = popular
        candidates[~is_known] = fallback
        return self.scorer.rank(queries, candidates)

    def _table(self, keys: pa.Array, ranked: Ranked, is_known: NDArray[np.bool_]) -> pa.Table:
        """Lay the rankings out, a row a recommendation."""
        held = ranked.rows >= 0
        owners, ranks = np.nonzero(held)
        schema = result_schema(self.shop.schema)
        degraded = pc.if_else(pa.array(is_known[owners]), pa.scalar(None, pa.string()), UNKNOWN_QUERY)
        columns: Mapping[str, object] = {
            "run_id": [self.run_id] * len(owners),
            "query": keys.take(pa.array(owners)),
            "rank": ranks + 1,
            "item": self.scorer.items.keys.take(pa.array(ranked.rows[held])),
            "score": ranked.scores[held],
            **{name: values[held] for name, values in ranked.predictions.items()},
            "degraded": degraded,
            "at": [self.at] * len(owners),
            "created": [self.created] * len(owners),
        }
        return pa.table([_column(columns[f.name], f.type) for f in schema], schema=schema)


def result_schema(schema: Schema) -> pa.Schema:
    """Return the columns of batch recommendations: one row a (query, rank), from rank 1."""
    return pa.schema(
        [
            ("run_id", pa.string()),
            ("query", arrow_type(schema.query.key.dtype)),
            ("rank", pa.int32()),
            ("item", arrow_type(schema.item.key.dtype)),
            ("score", pa.float32()),
            *((task.name, pa.float32()) for task in schema.spec.ranking.tasks),
            ("degraded", pa.string()),
            ("at", MOMENT),
            ("created", MOMENT),
        ]
    )


def _column(values: object, wanted: pa.DataType) -> pa.Array:
    return values.cast(wanted) if isinstance(values, pa.Array) else pa.array(values, wanted)
