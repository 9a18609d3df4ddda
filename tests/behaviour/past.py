"""Every measure again, row by row and in plain Python: the reference that the SQL must equal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from tfrs_mtl.spec import BehaviourView, Measure

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Names:
    """The columns of the events."""

    query: str
    item: str
    timestamp: str


Event = dict[str, object]


def grid_times(first: datetime, until: datetime, every: timedelta) -> list[datetime]:
    """Return the multiples of ``every`` in (first, until]."""
    times, number = [], (first - EPOCH) // every
    while EPOCH + number * every <= until:
        if EPOCH + number * every > first:
            times.append(EPOCH + number * every)
        number += 1
    return times


def value(
    measure: Measure,
    own: Sequence[Event],
    everyone: Sequence[Event],
    at: datetime,
    names: Names,
    other: str,
    declared: BehaviourView,
) -> object:
    """Return one feature at ``at``; ``own`` and ``everyone`` are past events, oldest first."""
    if measure.measure == "ages":
        measure = declared.features[measure.of]
        return [(at - e[names.timestamp]) / DAY for e in _recent(measure, own, at, names, other)]
    if measure.measure == "last":
        return [e[other] for e in _recent(measure, own, at, names, other)]
    window = getattr(measure, "window", None)

    def inside(event: Event) -> bool:
        return window is None or event[names.timestamp] >= at - window

    def wanted(event: Event) -> bool:
        return measure.where is None or bool(event[measure.where])

    mine = [e for e in own if inside(e)]
    if measure.measure == "rate":
        among = [e for e in mine if measure.given is None or e[measure.given]]
        return len([e for e in among if wanted(e)]) / len(among) if among else None
    mine = [e for e in mine if wanted(e)]
    if measure.measure == "count":
        return len(mine)
    if measure.measure == "popularity":
        total = len([e for e in everyone if inside(e) and wanted(e)])
        return len(mine) / total if total else 0.0
    if measure.measure == "recency":
        return (at - max(e[names.timestamp] for e in mine)) / DAY if mine else None
    values = [e[measure.column] for e in mine if e[measure.column] is not None]
    if measure.measure == "distinct":
        return len(set(values))
    if measure.measure == "sum":
        return float(sum(values))
    return sum(values) / len(values) if values else None


def _recent(measure: Measure, own: Sequence[Event], at: datetime, names: Names, other: str) -> list[Event]:
    held = [e for e in own if e[other] is not None and (measure.where is None or e[measure.where])]
    held = [e for e in held if measure.window is None or e[names.timestamp] >= at - measure.window]
    return sorted(held, key=lambda e: (at - e[names.timestamp], e[other]))[: measure.limit]


def flat_rows(
    declared: BehaviourView, events: Sequence[Event], times: Sequence[datetime], names: Names
) -> dict[tuple[datetime, object], dict[str, object]]:
    """Return the rows of a query or item view by (time, key)."""
    owner, other = (names.item, names.query) if declared.of == "item" else (names.query, names.item)
    events = [e for e in events if e[owner] is not None]
    rows = {}
    for at in times:
        everyone = [e for e in events if e[names.timestamp] < at]
        for key in {e[owner] for e in everyone}:
            own = [e for e in everyone if e[owner] == key]
            rows[at, key] = {
                name: value(measure, own, everyone, at, names, other, declared)
                for name, measure in declared.features.items()
            }
    return rows


def pair_rows(
    declared: BehaviourView,
    events: Sequence[Event],
    times: Sequence[datetime],
    names: Names,
    attribute: Callable[[Event], object],
    field: str,
) -> dict[tuple[datetime, object], dict[str, object]]:
    """Return the rows of a pair view by (time, query)."""
    windows = [getattr(m, "window", None) for m in declared.features.values()]
    longest = None if None in windows else max(windows)
    events = [e for e in events if e[names.query] is not None]
    rows = {}
    for at in times:
        everyone = [e for e in events if e[names.timestamp] < at]
        for query in {e[names.query] for e in everyone}:
            mine = [e for e in everyone if e[names.query] == query and attribute(e) is not None]
            groups = {key: [e for e in mine if attribute(e) == key] for key in {attribute(e) for e in mine}}
            ranked = []
            for key, own in groups.items():
                size = len([e for e in own if longest is None or e[names.timestamp] >= at - longest])
                if size:
                    ranked.append((-size, at - max(e[names.timestamp] for e in own), key))
            kept = [key for _, _, key in sorted(ranked)][: declared.limit]
            rows[at, query] = {field: kept} | {
                name: [value(m, groups[k], everyone, at, names, names.item, declared) for k in kept]
                for name, m in declared.features.items()
            }
    return rows
