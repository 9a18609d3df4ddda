"""Decoding an online response: by name, never by position; values past their TTL are null."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

import pyarrow as pa
from feast.online_response import OnlineResponse
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.type_map import feast_value_type_to_python_type

from tfrs_mtl.schema import DType, Side
from tfrs_mtl.store.types import MOMENT, arrow_type

_PRESENT = FieldStatus.PRESENT
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Dated(NamedTuple):
    """A side's features and when they were written.

    Attributes:
        values: one column a fetched feature, [n].
        written: view -> event times of what is held, expired or not, [n]; null where nothing is.
    """

    values: pa.Table
    written: Mapping[str, pa.Array]


def decode(response: OnlineResponse, side: Side, *, size: int, at: datetime) -> pa.Table:
    """Return one column a fetched feature of the side, [size], null where absent or expired at ``at``."""
    assert side.service is not None
    vectors = _vectors(response)
    ttls = {s.name: s.view.ttl for s in side.service.selections}
    kept: dict[str, list[bool]] = {}
    arrays = {}
    for feature in side.fetched:
        vector = vectors.get(feature.name)
        if vector is None:
            arrays[feature.name] = pa.nulls(size, arrow_type(feature.dtype))
            continue
        if feature.view not in kept:  # a store holds one event time for all features of a view's row
            kept[feature.view] = _fresh(vector, ttls.get(feature.view), at)
        values = _values(vector, kept[feature.view], feature.dtype)
        arrays[feature.name] = pa.array(values, type=arrow_type(feature.dtype))
    return pa.table(arrays)


def decode_times(response: OnlineResponse, side: Side, *, size: int) -> dict[str, pa.Array]:
    """Return the event times of the values held, view -> [size]; null where nothing is."""
    vectors = _vectors(response)
    times: dict[str, pa.Array] = {}
    for feature in side.fetched:
        if feature.view not in times and feature.name in vectors:
            stamps = vectors[feature.name].event_timestamps
            # Stores stamp what they do not hold with the epoch.
            micros = [stamp.ToMicroseconds() or None for stamp in stamps]
            times[feature.view] = pa.array(micros or [None] * size, MOMENT)
    return times


def _vectors(response: OnlineResponse) -> dict[str, Any]:
    return dict(zip(response.proto.metadata.feature_names.val, response.proto.results, strict=True))


def _fresh(vector: Any, ttl: timedelta | None, at: datetime) -> list[bool]:
    """Say of each row whether it has not expired; at its TTL's very end it has not."""
    if ttl is None:
        return [True] * len(vector.event_timestamps)
    oldest = (at - ttl - _EPOCH) // timedelta(microseconds=1)
    return [t.seconds * 1_000_000 + t.nanos // 1_000 >= oldest for t in vector.event_timestamps]


def _values(vector: Any, fresh: list[bool], dtype: DType) -> list[Any]:
    read = _reader(dtype)
    # Redis says PRESENT of a missing entity too, with a value that is unset: it reads as None.
    return [
        read(value) if keeps and status == _PRESENT else None
        for value, status, keeps in zip(vector.values, vector.statuses, fresh, strict=True)
    ]


def _reader(dtype: DType) -> Callable[[Any], Any]:
    """Return what reads a value of a type; Feast's converter asks of each value which of all types it is."""
    if dtype.base == "timestamp":
        return feast_value_type_to_python_type
    return _list if dtype.is_list else _scalar


def _scalar(value: Any) -> Any:
    field = value.WhichOneof("val")
    return None if field is None else getattr(value, field)


def _list(value: Any) -> Any:
    field = value.WhichOneof("val")
    return None if field is None else list(getattr(value, field).val)
