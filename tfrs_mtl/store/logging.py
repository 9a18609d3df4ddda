"""Served features into Feast's own feature log, in its form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from feast import FeatureService, FeatureStore
from feast.feature_logging import (
    LOG_DATE_FIELD,
    LOG_TIMESTAMP_FIELD,
    REQUEST_ID_FIELD,
    FeatureServiceLoggingSource,
)
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from numpy.typing import NDArray

from tfrs_mtl.schema import Side


def write_feast_log(store: FeatureStore, service: FeatureService, side: Side, served: pa.Table) -> None:
    """Write served features where the service's ``logging_config`` says.

    Args:
        served: see ``to_feast_log``.
    """
    assert service.logging_config is not None
    destination = service.logging_config.destination
    if isinstance(destination, FileLoggingDestination) and Path(destination.path).is_absolute():
        Path(destination.path).mkdir(
            parents=True, exist_ok=True
        )  # duckdb writes into a directory that is there
    wanted = FeatureServiceLoggingSource(service, store.project).get_schema(store.registry)
    store.write_logged_features(to_feast_log(side, served, wanted=wanted), service)


def to_feast_log(side: Side, served: pa.Table, *, wanted: pa.Schema) -> pa.Table:
    """Return served features as Feast logs them, [n].

    Args:
        served: ``request_id``, ``at``, ``query`` (the side's key), ``written`` (view -> event time), and one
            column a fetched feature that is not sensitive, [n].
        wanted: Feast's own schema of the service's log; what we do not serve, and what is sensitive, is null.
    """
    given = dict(_columns(side, served))
    arrays = [
        given[field.name].cast(field.type, safe=False)
        if field.name in given
        else pa.nulls(len(served), field.type)
        for field in wanted
    ]
    return pa.table(arrays, schema=wanted)


def _columns(side: Side, served: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray | pa.Array]]:
    assert side.service is not None
    at = served.column("at")
    yield REQUEST_ID_FIELD, served.column("request_id")
    yield LOG_TIMESTAMP_FIELD, at
    yield LOG_DATE_FIELD, at.cast(pa.date32())
    selections = side.service.selections
    for selection in selections:
        for _, caller in selection.join_keys:
            yield caller, served.column("query")
    written = [dict(views) for views in served.column("written").to_pylist()]
    stamps = {s.name: pa.array([row.get(s.name) for row in written], at.type) for s in selections}
    ttls = {s.name: s.view.ttl for s in selections}
    for feature in (f for f in side.fetched if f.name in served.column_names):
        values, times = served.column(feature.name), stamps[feature.view]
        yield feature.name, values
        yield f"{feature.name}__timestamp", times
        yield f"{feature.name}__status", _statuses(values, times, at, ttls[feature.view])


def _statuses(
    values: pa.ChunkedArray, times: pa.Array, at: pa.ChunkedArray, ttl: timedelta | None
) -> pa.Array:
    """Return Feast's status of each value, [n]."""
    there = times.is_valid().to_numpy(zero_copy_only=False)
    ages = (_micros(at) - _micros(times)).astype("timedelta64[us]")
    expired = there & (ages > np.timedelta64(ttl)) if ttl is not None else np.zeros(len(there), np.bool_)
    held = values.is_valid().to_numpy()
    return pa.array(
        np.select(
            [held, expired, there],
            [FieldStatus.PRESENT, FieldStatus.OUTSIDE_MAX_AGE, FieldStatus.NULL_VALUE],
            FieldStatus.NOT_FOUND,
        ),
        pa.int32(),
    )


def _micros(times: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(times.cast(pa.int64()).fill_null(0), np.int64)
