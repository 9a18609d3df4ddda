"""Decoding an online response: by name, never by position; values past their TTL are null."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

import pyarrow as pa
from feast.online_response import OnlineResponse
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.type_map import feast_value_type_to_python_type

from tfrs_mtl.schema import Side
from tfrs_mtl.store.types import MOMENT, arrow_type


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
    positions = {name: n for n, name in enumerate(response.proto.metadata.feature_names.val)}
    ttls = {s.name: s.view.ttl for s in side.service.selections}
    arrays = {}
    for feature in side.fetched:
        values = _values(response, positions, feature.name, ttls.get(feature.view), at)
        arrays[feature.name] = pa.array(values or [None] * size, type=arrow_type(feature.dtype))
    return pa.table(arrays)


def _values(
    response: OnlineResponse, positions: Mapping[str, int], name: str, ttl: timedelta | None, at: datetime
) -> list[Any]:
    if name not in positions:
        return []
    vector = response.proto.results[positions[name]]
    found = []
    for value, status, stamp in zip(vector.values, vector.statuses, vector.event_timestamps, strict=True):
        # Redis says PRESENT of a missing entity too, with a value that is unset: it decodes to None.
        held = feast_value_type_to_python_type(value) if status == FieldStatus.PRESENT else None
        fresh = ttl is None or at - stamp.ToDatetime(tzinfo=timezone.utc) <= ttl
        found.append(held if fresh else None)
    return found


def decode_times(response: OnlineResponse, side: Side, *, size: int) -> dict[str, pa.Array]:
    """Return the event times of the values held, view -> [size]; null where nothing is."""
    positions = {name: n for n, name in enumerate(response.proto.metadata.feature_names.val)}
    times: dict[str, pa.Array] = {}
    for feature in side.fetched:
        if feature.view not in times and feature.name in positions:
            stamps = response.proto.results[positions[feature.name]].event_timestamps
            # Stores stamp what they do not hold with the epoch.
            micros = [stamp.ToMicroseconds() or None for stamp in stamps]
            times[feature.view] = pa.array(micros or [None] * size, pa.int64()).cast(MOMENT)
    return times
