"""Events back into Feast: the histories of the queries brought up to date, the interactions kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa

from serving.answer import Key
from serving.event import Event, Recorded
from serving.events.told import Told, read_events
from serving.request import Workers
from serving.state import State
from tfrs_mtl.behaviour.fresh import Happened, Row, counts, with_events
from tfrs_mtl.dataset.interactions import moments
from tfrs_mtl.errors import StoreError
from tfrs_mtl.project import Project
from tfrs_mtl.schema import Schema, View, histories
from tfrs_mtl.spec import BehaviourView
from tfrs_mtl.store import TIMESTAMP, arrow_type

_LOG = logging.getLogger(__name__)
_WAITING = 256  # calls that wait for their turn


class Recorder:
    """Pushes events; one call at a time, so that no two read a row, and write it, at once.

    That holds within a process: of two processes that record one query at the same moment, the later writes
    over the earlier, and the event waits for the next snapshot.
    """

    def __init__(self) -> None:
        self._turns = Workers("record", threads=1, waiting_a_thread=_WAITING)

    def record(self, state: State, events: Sequence[Event], *, now: datetime) -> tuple[Recorded, ...]:
        """Push events, and return what became of each, or of none of them in time.

        Raises:
            RequestError: ``serving.record`` is off, or an event makes no sense; then none is pushed.
        """
        until = time.monotonic() + state.settings.record_deadline.total_seconds()
        told = read_events(state, events, now=now)
        push = partial(_pushed, state, told, now=now, until=until)
        failed: Recorded = "store_timeout"
        try:
            done = self._turns.within(until, {"push": push})
            if done:
                return done["push"]
        except StoreError as error:
            _LOG.warning("events could not be pushed: %s", error)
            failed = "store_unavailable"
        return (failed,) * len(told)

    def close(self) -> None:
        """Let go of the thread; a push that hangs is not waited for."""
        self._turns.close()


def _pushed(state: State, told: Sequence[Told], *, now: datetime, until: float) -> tuple[Recorded, ...]:
    """Push events, histories first.

    Raises:
        StoreError: the store failed, or ``until`` is over before the interactions are kept: who was told to
            try again must not find them there already.
    """
    project, schema = state.project, state.schema
    views, fresh = histories(schema), set[int]()
    for view, declared in views:
        fresh |= _push_histories(project, view, declared, told, now=now)
    if time.monotonic() > until:
        raise StoreError("too late")
    _push_interactions(project, schema, told, now=now)
    counted = [any(counts(declared, each.happened) for _, declared in views) for each in told]
    return tuple(_outcome(n in fresh, counted[n]) for n in range(len(told)))


def _outcome(is_fresh: bool, is_counted: bool) -> Recorded:
    if is_fresh:
        return "fresh"
    return "known" if is_counted else "uncounted"


def _push_histories(
    project: Project, view: View, declared: BehaviourView, told: Sequence[Told], *, now: datetime
) -> set[int]:
    """Bring a view's rows up to date; return the positions of the events that they count from now on."""
    places: dict[Key, list[int]] = {}
    for place, each in enumerate(told):
        if counts(declared, each.happened):
            places.setdefault(each.query, []).append(place)
    if not places:
        return set()
    fresh, rows = set(), {}
    for (query, own), row in zip(places.items(), _held(project, view, list(places)), strict=True):
        happened = [told[place].happened for place in own]
        found = with_events(declared, row, happened, expired=_is_expired(view, row, happened))
        if found is not None:
            rows[query] = found.row
            fresh |= {own[position] for position in found.counted}
    if rows:
        project.repo.push(view, _table(view, rows), now=now)
    return fresh


def _held(project: Project, view: View, queries: Sequence[Key]) -> list[Row | None]:
    values, times = project.repo.held(view, queries)
    stamps = times.cast(pa.int64()).to_pylist()
    return [
        None if stamp is None else Row(stamp, row)
        for stamp, row in zip(stamps, values.to_pylist(), strict=True)
    ]


def _is_expired(view: View, row: Row | None, happened: Sequence[Happened]) -> bool:
    if row is None or view.ttl is None:
        return False
    return max(each.time for each in happened) - row.at > view.ttl / timedelta(microseconds=1)


def _table(view: View, rows: Mapping[Key, Row]) -> pa.Table:
    columns = {view.keys[0].name: pa.array(list(rows), arrow_type(view.keys[0].dtype))}
    for column in view.columns:
        values = [row.values.get(column.name) for row in rows.values()]
        columns[column.name] = pa.array(values, arrow_type(column.dtype))
    times = np.array([row.at for row in rows.values()], np.int64)
    return pa.table({**columns, TIMESTAMP: moments(times)})


def _push_interactions(project: Project, schema: Schema, told: Sequence[Told], *, now: datetime) -> None:
    view = schema.events
    if view.push is None or not told:
        return
    rows = [
        {
            **each.happened.columns,
            schema.query.key.name: each.query,
            schema.item.key.name: each.happened.other,
        }
        for each in told
    ]
    columns = {
        column.name: pa.array([row.get(column.name) for row in rows], arrow_type(column.dtype))
        for column in (*view.keys, *view.columns)
    }
    times = np.array([each.happened.time for each in told], np.int64)
    table = pa.table({**columns, TIMESTAMP: moments(times)})
    if view.online:
        project.repo.push(view, table, now=now)
    project.repo.append(view, table, now=now)
