"""Rows of a view as the online store holds them, and newer ones pushed through its push source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from feast import FeatureStore
from feast.data_source import PushMode
from feast.infra.offline_stores.offline_utils import (
    get_offline_store_from_config,
    get_pyarrow_schema_from_batch_source,
)
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.type_map import feast_value_type_to_python_type

from tfrs_mtl.errors import StoreError
from tfrs_mtl.schema import View
from tfrs_mtl.store.append import append_to_file
from tfrs_mtl.store.files import TIMESTAMP
from tfrs_mtl.store.types import MOMENT, arrow_type


class Held(NamedTuple):
    """Rows of a view as the online store holds them, whatever their age.

    Attributes:
        values: one column a feature of the view, [n].
        times: their event times, [n]; null where there is no row.
    """

    values: pa.Table
    times: pa.Array


def read_held(store: FeatureStore, view: View, keys: Sequence[int | str]) -> Held:
    """Return the rows of some entities of a view of one join key."""
    response = store.get_online_features(
        features=[f"{view.name}:{column.name}" for column in view.columns],
        entity_rows={view.keys[0].name: list(keys)},
    ).proto
    vectors = dict(zip(response.metadata.feature_names.val, response.results, strict=True))
    arrays = {}
    for column in view.columns:
        vector = vectors[column.name]
        values = [
            feast_value_type_to_python_type(value) if status == FieldStatus.PRESENT else None
            for value, status in zip(vector.values, vector.statuses, strict=True)
        ]
        arrays[column.name] = pa.array(values, arrow_type(column.dtype))
    stamps = vectors[view.columns[0].name].event_timestamps
    # Stores stamp what they do not hold with the epoch.
    times = pa.array([stamp.ToMicroseconds() or None for stamp in stamps], pa.int64()).cast(MOMENT)
    return Held(pa.table(arrays), times)


def push_online(store: FeatureStore, view: View, rows: pa.Table, *, now: datetime) -> None:
    """Push rows through a view's push source into the online store.

    Args:
        rows: the view's join keys and features under their names, and ``event_timestamp``.
        now: the time of writing, for the source's column of it.
    """
    if view.push is None:
        raise StoreError(f"feature view {view.name!r} has no push source")
    arrays = {column.name: rows.column(column.name) for column in (*view.keys, *view.columns)}
    for table in _alike(pa.table(arrays | _times(view, rows, now))):
        store.push(view.push, table.to_pandas(types_mapper=pd.ArrowDtype), to=PushMode.ONLINE)


def append_offline(store: FeatureStore, view: View, rows: pa.Table, *, now: datetime) -> None:
    """Append rows to a view's batch source; arguments as for ``push_online``.

    Feast's ``push(to=OFFLINE)`` asks for a source's own column names, and then refuses them where the view
    renames any; so this goes to the offline store itself, as that does. A parquet file Feast would write anew
    in place, where a reader may find half of it.
    """
    given = {view.source.raw(c.name): rows.column(c.name) for c in (*view.keys, *view.columns)}
    given |= _times(view, rows, now)
    if view.source.path is not None:
        append_to_file(view.source.path, given, rows=len(rows))
        return
    feature_view = store.get_feature_view(view.name)
    assert feature_view.batch_source is not None
    schema, _ = get_pyarrow_schema_from_batch_source(store.config, feature_view.batch_source)
    arrays = [given[f.name] if f.name in given else pa.nulls(len(rows), f.type) for f in schema]
    offline = get_offline_store_from_config(store.config.offline_store)
    offline.offline_write_batch(store.config, feature_view, pa.table(arrays, names=schema.names), None)


def _times(view: View, rows: pa.Table, now: datetime) -> dict[str, pa.ChunkedArray]:
    """Return the event times, and the time of writing where the source has one, by the source's names."""
    times = {view.source.timestamp: rows.column(TIMESTAMP)}
    if view.source.created is not None:
        times[view.source.created] = pa.chunked_array([pa.array([now] * len(rows), MOMENT)])
    return times


def _alike(table: pa.Table) -> Iterator[pa.Table]:
    """Yield the rows in groups with nulls in the same columns.

    Feast takes a column of whole numbers through float64, where a null stands beside them.
    """
    nulls = np.stack([column.is_null().to_numpy() for column in table.columns], axis=1)
    _, groups = np.unique(nulls, axis=0, return_inverse=True)
    for group in range(int(groups.max(initial=-1)) + 1):
        yield table.filter(pa.array(groups.ravel() == group)).combine_chunks()
