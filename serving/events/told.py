"""Events, checked: every miss names the event, the key, what came and what would be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import pyarrow as pa

from serving.answer import Key, Value
from serving.event import Event
from serving.request import checked_keys
from serving.state import State
from tfrs_mtl.behaviour.fresh import Happened
from tfrs_mtl.dataset.interactions import microseconds
from tfrs_mtl.errors import RequestError, nearest
from tfrs_mtl.schema import Schema
from tfrs_mtl.store import arrow_type

_AHEAD = timedelta(minutes=1)
"""How far a teller's clock may be ahead of ours."""


class Told(NamedTuple):
    """A checked event: whose it is, and what happened."""

    query: Key
    happened: Happened


def read_events(state: State, events: Sequence[Event], *, now: datetime) -> list[Told]:
    """Return the events in the registry's terms.

    Raises:
        RequestError: ``serving.record`` is off, or an event makes no sense.
    """
    schema = state.schema
    if not state.settings.record:
        raise RequestError("record: `serving.record` is off; set it to true in recommender.yaml")
    checked_keys(schema.query.key, [event.query for event in events], what="query")
    checked_keys(schema.item.key, [event.item for event in events], what="item")
    return [
        Told(
            event.query,
            Happened(event.item, _time(place, event, now), _columns(schema, place, event.values)),
        )
        for place, event in enumerate(events)
    ]


def _time(place: int, event: Event, now: datetime) -> int:
    at = now if event.at is None else event.at
    if at.tzinfo is None:
        raise RequestError(f"events.{place}.at: expected a time with a zone, got {at.isoformat()}")
    if at > now + _AHEAD:
        raise RequestError(f"events.{place}.at: {at.isoformat()} is yet to come; it is {now.isoformat()}")
    return microseconds(at)


def _columns(schema: Schema, place: int, values: Mapping[str, Value]) -> Mapping[str, Value]:
    """Return what an event says, each value checked against its column of the interactions."""
    view, keys = schema.events, (schema.query.key.name, schema.item.key.name)
    columns = {c.name: c for c in (*view.keys, *view.columns) if c.name not in keys}
    for name, value in values.items():
        where = f"events.{place}.values.{name}"
        if name not in columns:
            raise RequestError(
                f"{where}: view {view.name!r} has no such column; {nearest(name, list(columns))}"
            )
        dtype = columns[name].dtype
        try:
            if isinstance(value, bool) and dtype.base != "bool":
                raise TypeError("true and false are for Bool alone")
            pa.array([value], arrow_type(dtype))
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, OverflowError, UnicodeEncodeError) as error:
            raise RequestError(f"{where}: expected {dtype.text}, got {value!r}: {error}") from error
    return values
