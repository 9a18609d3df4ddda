"""Raw features of queries, items and their pairs at given moments, before any encoding.

The same three functions feed training, batch scoring and serving, so all see the same features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.interactions import moments
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


def side_frame(
    repo: FeatureRepo, schema: Schema, side: Side, keys: pa.Array, times: Ints, *, engine: Engine = "auto"
) -> Frame:
    """Return a side's features as of each row's time, read from the offline store."""
    rows = pa.table({side.key.name: keys, TIMESTAMP: moments(times)})
    return to_frame(schema, side, keys, features_as_of(repo, side, rows, engine=engine), times)


def to_frame(schema: Schema, side: Side, keys: pa.Array, features: pa.Table, times: Ints) -> Frame:
    """Return a side's features, wherever they were read from, as a frame."""
    identity = QUERY_ID if side is schema.query else ITEM_ID
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
        wanted = items.columns[attribute].take(pa.array(item_rows))
        positions = PairKeys(queries.columns[pair.keys]).find(query_rows, wanted)
        for feature in pair.features:
            columns[feature.name] = pa.array(take_at(queries.columns[feature.name], positions), from_pandas=True)
    for feature in schema.context:
        given = context.get(feature.name)
        columns[feature.name] = pa.nulls(len(times), arrow_type(feature.dtype)) if given is None else given
    return Frame(columns, times)


def flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one Arrow array."""
    if isinstance(column, pa.Array):
        return column
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        return whole.chunk(0) if whole.num_chunks else pa.array([], whole.type)
    return whole
