"""Raw features of queries, items and their pairs at given moments, before any encoding.

The same three functions feed training, batch scoring and serving, so all see the same features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.interactions import moments
from tfrs_mtl.dataset.lookup import Codes, code
from tfrs_mtl.dataset.pairs import PairKeys, take_at
from tfrs_mtl.dataset.point_in_time import Engine, features_as_of
from tfrs_mtl.schema import Schema, Side
from tfrs_mtl.store import TIMESTAMP, FeatureRepo, arrow_type

QUERY_ID = "query#id"
ITEM_ID = "item#id"

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Frame:
    """Raw columns of n rows.

    Attributes:
        columns: feature name -> [n]; a side's own key stands under ``query#id`` or ``item#id``.
        times: microseconds since the Unix epoch at which each row is seen, [n].
    """

    columns: Mapping[str, pa.Array]
    times: Ints

    def __len__(self) -> int:
        return len(self.times)

    def codes(self, name: str) -> Codes:
        """Return a column's codes; they are made once."""
        if name not in self._codes:
            self._codes[name] = code(self.columns[name])
        return self._codes[name]

    @cached_property
    def _codes(self) -> dict[str, Codes]:
        return {}

    def take(self, rows: Ints) -> Frame:
        """Return some rows, in their order."""
        chosen = pa.array(rows)
        return Frame({name: column.take(chosen) for name, column in self.columns.items()}, self.times[rows])

    def slice(self, start: int, length: int) -> Frame:
        """Return a stretch of rows, sharing memory."""
        columns = {name: column.slice(start, length) for name, column in self.columns.items()}
        return Frame(columns, self.times[start : start + length])


def query_frame(
    repo: FeatureRepo,
    schema: Schema,
    keys: pa.Array,
    times: Ints,
    *,
    with_pairs: bool = True,
    engine: Engine = "auto",
) -> Frame:
    """Return queries' features as of each row's time, from the offline store; pair arrays where asked for."""
    side = schema.query
    if not with_pairs:
        unused = {name for pair in schema.pairs for name in (pair.keys, *(f.name for f in pair.features))}
        side = replace(side, fetched=tuple(f for f in side.fetched if f.name not in unused))
    return to_frame(QUERY_ID, keys, _read(repo, side, keys, times, engine), times)


def item_frame(
    repo: FeatureRepo, schema: Schema, keys: pa.Array, times: Ints, *, engine: Engine = "auto"
) -> Frame:
    """Return items' features as of each row's time, from the offline store."""
    return to_frame(ITEM_ID, keys, _read(repo, schema.item, keys, times, engine), times)


def _read(repo: FeatureRepo, side: Side, keys: pa.Array, times: Ints, engine: Engine) -> pa.Table:
    rows = pa.table({side.key.name: keys, TIMESTAMP: moments(times)})
    return features_as_of(repo, side, rows, engine=engine)


def to_frame(identity: str, keys: pa.Array, features: pa.Table, times: Ints) -> Frame:
    """Return a side's features, wherever they were read from, as a frame; its key stands as ``identity``."""
    columns = {name: flat(features.column(name)) for name in features.column_names}
    return Frame({identity: flat(keys), **columns}, times)


def pair_frame(
    schema: Schema,
    queries: Frame,
    items: Frame,
    *,
    query_rows: Ints,
    item_rows: Ints,
    times: Ints,
    context: Mapping[str, pa.Array],
) -> Frame:
    """Return what belongs to query and item together, and to the request.

    Args:
        query_rows, item_rows: the rows of ``queries`` and ``items`` that meet, [n] each.
        context: the request's features, [n] each; those absent are null.
    """
    columns: dict[str, pa.Array] = {}
    for pair in schema.pairs:
        attribute = ITEM_ID if pair.attribute == schema.item.key.name else pair.attribute
        codes = items.codes(attribute)
        places = PairKeys(queries.columns[pair.keys], codes.lookup).find(query_rows, codes.of_rows[item_rows])
        lists = {feature.name: queries.columns[feature.name] for feature in pair.features}
        for name, found in take_at(lists, query_rows, places).items():
            columns[name] = pa.array(found, from_pandas=True)
    for feature in schema.context:
        given = context.get(feature.name)
        columns[feature.name] = pa.nulls(len(times), arrow_type(feature.dtype)) if given is None else given
    return Frame(columns, times)


def flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one Arrow array."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:  # Arrow would copy it
        return column.chunk(0)
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        return whole.chunk(0) if whole.num_chunks else pa.array([], whole.type)
    return whole
