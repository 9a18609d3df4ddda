"""The interactions: who met what, when, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfrs_mtl.errors import DataError
from tfrs_mtl.schema import Column, Schema
from tfrs_mtl.store import TIMESTAMP, FeatureRepo


@dataclass(frozen=True)
class Interactions:
    """n interactions, ordered by time, and those of one time by what they hold: the same on every read.

    Attributes:
        queries: join keys of the query, [n].
        items: join keys of the item, [n].
        times: int64 microseconds since the Unix epoch, [n].
        labels: label column -> float32 [n], NaN where null.
        context: context column -> [n].
    """

    queries: pa.Array
    items: pa.Array
    times: NDArray[np.int64]
    labels: Mapping[str, NDArray[np.float32]]
    context: Mapping[str, pa.Array]

    def __len__(self) -> int:
        return len(self.times)

    def take(self, rows: NDArray[np.int64]) -> Interactions:
        """Return some of the interactions, in the given order."""
        index = pa.array(rows)
        return Interactions(
            self.queries.take(index),
            self.items.take(index),
            self.times[rows],
            {name: column[rows] for name, column in self.labels.items()},
            {name: column.take(index) for name, column in self.context.items()},
        )

    def between(self, start: int | None, end: int | None) -> Interactions:
        """Return the interactions with ``start <= time < end`` (microseconds)."""
        first = 0 if start is None else int(np.searchsorted(self.times, start))
        last = len(self) if end is None else int(np.searchsorted(self.times, end))
        return self.take(np.arange(first, last))


def microseconds(moment: datetime) -> int:
    """Return a moment as int64 microseconds since the Unix epoch, exactly."""
    return int(pa.scalar(moment, pa.timestamp("us", tz="UTC")).value)


def moments(times: NDArray[np.int64]) -> pa.Array:
    """Return microseconds since the Unix epoch as an Arrow array of UTC timestamps."""
    return pa.array(times).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"), safe=False)


def read_interactions(repo: FeatureRepo, schema: Schema, *, end: datetime | None = None) -> Interactions:
    """Read all interactions before ``end`` (or the spec's own end, whichever comes first).

    Rows without a query or an item are left out: nothing can be learnt from them.

    Raises:
        DataError: there is none.
    """
    bounds = [moment for moment in (end, schema.spec.split.end) if moment is not None]
    extra = {c.name: c for c in schema.labels}
    extra |= {f.column: Column(f.column, f.dtype) for f in schema.context}
    keys = [schema.query.key, schema.item.key]
    table = repo.rows(schema.events, [*keys, *extra.values()], end=min(bounds) if bounds else None)
    table = table.filter(pc.and_(*(pc.is_valid(table.column(key.name)) for key in keys))).combine_chunks()
    if len(table) == 0:
        raise DataError(f"feature view {schema.events.name!r}: no interaction to learn from")
    table = _in_one_order(table)
    columns = {name: _one(table.column(name)) for name in table.column_names}
    return Interactions(
        columns[schema.query.key.name],
        columns[schema.item.key.name],
        columns[TIMESTAMP].cast(pa.int64()).to_numpy(zero_copy_only=False),
        {c.name: _number(columns[c.name]) for c in schema.labels},
        {f.name: columns[f.column] for f in schema.context},
    )


def _in_one_order(table: pa.Table) -> pa.Table:
    """Order rows by time, then by all else.

    Stores give the rows of one time in any order, another one each time; samples are drawn by position.
    """
    others = [f.name for f in table.schema if f.name != TIMESTAMP and not pa.types.is_nested(f.type)]
    return table.sort_by([(name, "ascending") for name in (TIMESTAMP, *others)]).combine_chunks()


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _number(column: pa.Array) -> NDArray[np.float32]:
    found = column.cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(found, np.float32)
