"""An entity's row once more events are known, from the row that the online store holds: no past is read.

What can be told exactly is ``last`` with its ``ages``, and ``recency``. Counts and rates need the events that
leave their windows, so they stay as the last snapshot has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from tfrs_mtl.behaviour.grid import DAY, microseconds
from tfrs_mtl.spec import Ages, BehaviourView, Last, Recency

_SECOND = 1_000_000
_ROUNDINGS = 16
"""How many units in the last place a held age may be off: each event before rounded it to 32 bits once."""


@dataclass(frozen=True)
class Row:
    """An entity's row in a behaviour view.

    Attributes:
        at: its event time in microseconds; it counts events strictly before.
        values: feature -> value.
    """

    at: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Happened:
    """One interaction of the entity.

    Attributes:
        other: the other side's key.
        time: microseconds since the Unix epoch.
        columns: columns of the interactions; those left out are null.
    """

    other: int | str
    time: int
    columns: Mapping[str, Any]


class Fresh(NamedTuple):
    """A row that counts more events, and the positions of those that it counts more."""

    row: Row
    counted: frozenset[int]


class _Entry(NamedTuple):
    """One element of a list; ``position`` is the event's, None for what was held."""

    time: int
    other: int | str
    position: int | None


def counts(declared: BehaviourView, event: Happened) -> bool:
    """Whether any of a view's features that can be told exactly counts such an event."""
    exact: list[Last | Recency] = [*_lists(declared).values(), *_recencies(declared).values()]
    return any(_counts(measure, event) for measure in exact)


def with_events(
    declared: BehaviourView, held: Row | None, events: Sequence[Happened], *, expired: bool = False
) -> Fresh | None:
    """Return the row as of the first second after the latest event; None where no event changes it.

    An event that the row counts already is known by its key and time, so one that is told twice counts once.
    One from before the row's time takes its place in the lists. The row's own time always goes on, as Redis
    does not take a row of the time it holds.

    Args:
        held: the row that the store holds; None where there is none.
        events: of one entity, in any order.
        expired: the held row is past its view's TTL: what cannot be told exactly becomes null.
    """
    lists = {
        name: _merged(declared, name, measure, held, events) for name, measure in _lists(declared).items()
    }
    latest = {name: _latest(name, measure, held, events) for name, measure in _recencies(declared).items()}
    entries = [*chain.from_iterable(lists.values()), *latest.values()]
    times = [entry.time for entry in entries if entry is not None and entry.position is not None]
    if not times:
        return None
    moment = _second_after(max(times if held is None else [*times, held.at]))
    values = {} if held is None or expired else dict(held.values)
    kept = {name: _cut(declared, name, lists[name], moment) for name in lists}
    for name, cut in kept.items():
        values[name] = [entry.other for entry in cut]
        values |= {ages: [_days(moment - entry.time) for entry in cut] for ages in _ages_of(declared, name)}
    values |= {name: None if entry is None else _days(moment - entry.time) for name, entry in latest.items()}
    counted = [*chain.from_iterable(kept.values()), *latest.values()]
    positions = frozenset(e.position for e in counted if e is not None and e.position is not None)
    return Fresh(Row(moment, values), positions) if positions else None


def _lists(declared: BehaviourView) -> dict[str, Last]:
    """Return the lists that can be told exactly: of one without ages, nobody knows what leaves its window."""
    lists = {name: m for name, m in declared.features.items() if isinstance(m, Last)}
    return {name: m for name, m in lists.items() if m.window is None or _ages_of(declared, name)}


def _recencies(declared: BehaviourView) -> dict[str, Recency]:
    return {name: m for name, m in declared.features.items() if isinstance(m, Recency)}


def _ages_of(declared: BehaviourView, name: str) -> list[str]:
    return [ages for ages, m in declared.features.items() if isinstance(m, Ages) and m.of == name]


def _counts(measure: Last | Recency, event: Happened) -> bool:
    return measure.where is None or bool(event.columns.get(measure.where))


def _second_after(time: int) -> int:
    """Return the first whole second after a time: what sqlite holds comes back without its fraction."""
    return (time // _SECOND + 1) * _SECOND


def _days(microseconds: int) -> float:
    return microseconds / DAY


def _merged(
    declared: BehaviourView, name: str, measure: Last, held: Row | None, events: Sequence[Happened]
) -> list[_Entry]:
    """Return what a list holds with the new events, most recent first, those of one time by their keys."""
    entries = _held_entries(declared, name, held)
    dated, known = bool(_ages_of(declared, name)), list(entries)
    for position, event in enumerate(events):
        if not _counts(measure, event):
            continue
        late = held is not None and event.time < held.at
        twin = next((e for e in known if late and held and _is_same(e, event, held.at)), None)
        if twin is not None:
            known.remove(twin)  # a list may hold a key twice at one time, and then so may the events
        elif dated or not late:
            entries.append(_Entry(event.time, event.other, position))
    return sorted(entries, key=lambda e: (-e.time, e.other))


def _held_entries(declared: BehaviourView, name: str, held: Row | None) -> list[_Entry]:
    if held is None:
        return []
    ids, ages = held.values.get(name) or [], _ages_of(declared, name)
    if not ages:  # no more is known than their order
        return [_Entry(held.at - 1 - place, other, None) for place, other in enumerate(ids)]
    days = held.values.get(ages[0]) or []
    return [_Entry(held.at - round(age * DAY), other, None) for other, age in zip(ids, days, strict=False)]


def _cut(declared: BehaviourView, name: str, entries: Sequence[_Entry], moment: int) -> Sequence[_Entry]:
    measure = _lists(declared)[name]
    if measure.window is not None:
        oldest = moment - microseconds(measure.window)
        entries = [entry for entry in entries if entry.time >= oldest]
    return entries[: measure.limit]


def _latest(name: str, measure: Recency, held: Row | None, events: Sequence[Happened]) -> _Entry | None:
    """Return the latest event that a recency counts: a new one only if what is held is another."""
    found = [
        _Entry(event.time, event.other, position)
        for position, event in enumerate(events)
        if _counts(measure, event)
    ]
    best = max(found, key=lambda e: e.time, default=None)
    days = None if held is None else held.values.get(name)
    if held is None or days is None:
        return best
    before = _Entry(held.at - round(days * DAY), "", None)
    late = best is not None and best.time < held.at
    if best is None or (late and best.time <= before.time + _slack(before, held.at)):
        return before
    return best


def _is_same(entry: _Entry, event: Happened, at: int) -> bool:
    return entry.other == event.other and abs(entry.time - event.time) <= _slack(entry, at)


def _slack(entry: _Entry, at: int) -> float:
    """Return how far off a held entry's time may be, in microseconds: it was read from an age of 32 bits."""
    return 1 + _ROUNDINGS * float(np.spacing(np.float32(_days(at - entry.time)))) * DAY
