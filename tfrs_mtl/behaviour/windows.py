"""Running quantities per entity over the grid, by differences.

Whatever a window is, an event enters it at the first grid time after the event and leaves it at the first
grid time after event + window. So a windowed quantity is a running sum of changes: ``+amount`` where events
enter, ``-amount`` where they leave. A distinct value enters with its first event and leaves when the window
has passed since its last one. The changes are grouped by (entity, grid time), which is small, summed up
once, and each state holds until the entity's next change. All amounts are integers: nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfrs_mtl.behaviour.grid import Grid, Span
from tfrs_mtl.behaviour.needs import Latest, Total, Unique, event_sql

Wanted = Mapping[Total | Latest | Unique, str]


@dataclass(frozen=True)
class Frame:
    """Over what the quantities run.

    Attributes:
        keys: columns of ``events`` that make up the entity; none for all entities together.
        grid: the grid.
        span: the grid times of this run; what happened before its first counts from its first.
        amounts: SQL over an event -> its column in ``events``.
    """

    keys: Sequence[str]
    grid: Grid
    span: Span
    amounts: Mapping[str, str]

    def enters(self, microseconds_sql: str) -> str:
        """Return SQL for the first grid time of the span after a time."""
        return f"greatest({self.grid.after_sql(microseconds_sql)}, {self.span.first})"

    def column(self, need: Total | Latest | Unique) -> str:
        """Return the column of ``events`` that a need reads."""
        return self.amounts[event_sql(need)]

    def listed(self, *more: str) -> str:
        """Return the keys and further columns, comma-separated."""
        return ", ".join([*self.keys, *more])


def states_sql(wanted: Wanted, frame: Frame) -> str:
    """Return SQL for the states: keys, ``since``, ``till`` (exclusive), one column a need."""
    named, changes = _changes(wanted, frame)
    tables = [f"{name} AS MATERIALIZED ({sql})" for name, sql in named.items()]
    grouped = [_grouped(column, need) for need, column in wanted.items()]
    running = [_running(column, need) for need, column in wanted.items()]
    till = f"lead(since, 1, {frame.span.last + 1}) OVER past AS till"
    partition = f"PARTITION BY {frame.listed()}" if frame.keys else ""
    return f"""
        WITH {", ".join(tables)},
        changes AS ({" UNION ALL BY NAME ".join(changes)}),
        grouped AS (
            SELECT {frame.listed("since", *grouped)} FROM changes
            WHERE since <= {frame.span.last} GROUP BY ALL
        )
        SELECT {frame.listed("since", till, *running)}
        FROM grouped WINDOW past AS ({partition} ORDER BY since)
    """


def live_sql(states: str, frame: Frame, columns: Sequence[str], span: Span) -> str:
    """Return SQL for one row an entity and grid time ``number`` of ``span``: keys, number, columns."""
    times = f"unnest(range(greatest(since, {span.first}), least(till, {span.last + 1}))) AS number"
    return f"""
        SELECT {frame.listed(times, *columns)} FROM {states}
        WHERE since <= {span.last} AND till > {span.first}
    """


def _grouped(column: str, need: Total | Latest | Unique) -> str:
    return f"max({column}) AS {column}" if isinstance(need, Latest) else f"sum({column}) AS {column}"


def _running(column: str, need: Total | Latest | Unique) -> str:
    if isinstance(need, Latest):
        return f"max({column}) OVER past AS {column}"
    kind = need.type if isinstance(need, Total) else "BIGINT"
    return f"CAST(coalesce(sum({column}) OVER past, 0) AS {kind}) AS {column}"


def _changes(wanted: Wanted, frame: Frame) -> tuple[dict[str, str], list[str]]:
    """Return tables by name, and the selects over them that give all changes."""
    totals = {need: column for need, column in wanted.items() if isinstance(need, Total)}
    latest = {need: column for need, column in wanted.items() if isinstance(need, Latest)}
    windows = sorted({need.window for need in totals if need.window is not None})
    leaves = {window: f"leaves{position}" for position, window in enumerate(windows)}
    tables = {"cells": _cells_sql(totals, latest, leaves, frame)}
    enters = [f"{frame.column(need)} AS {column}" for need, column in totals.items()]
    latests = [f"latest_{column} AS {column}" for column in latest.values()]
    changes = [f"SELECT {frame.listed('since', *enters, *latests)} FROM cells"]
    for window, leaving in leaves.items():
        gone = [f"-{frame.column(n)} AS {column}" for n, column in totals.items() if n.window == window]
        changes.append(f"SELECT {frame.listed(f'{leaving} AS since', *gone)} FROM cells")
    for need, column in wanted.items():
        if isinstance(need, Unique):
            tables[f"held_{column}"] = _held_sql(need, frame)
            changes += [
                f"SELECT {frame.listed(f'{place} AS since', f'{amount} AS {column}')} FROM held_{column}"
                for place, amount in (("since", 1), ("leaving", -1))
            ]
    return tables, changes


def _cells_sql(
    totals: Mapping[Total, str], latest: Mapping[Latest, str], leaves: Mapping[int, str], frame: Frame
) -> str:
    """Return SQL for the events grouped by entity and by when they enter and leave."""
    since = f"{frame.enters('ts')} AS since"
    ends = [f"{frame.enters(f'ts + {window}')} AS {column}" for window, column in leaves.items()]
    sums = [f"sum({name}) AS {name}" for name in sorted({frame.column(need) for need in totals})]
    latests = [f"max(ts) FILTER ({frame.column(need)} = 1) AS latest_{name}" for need, name in latest.items()]
    return f"SELECT {frame.listed(since, *ends, *sums, *latests)} {_source(frame)} GROUP BY ALL"


def _held_sql(need: Unique, frame: Frame) -> str:
    """Return SQL for when an entity holds a value: keys, since, leaving; no two overlap for one value."""
    value = frame.column(need)
    keys = frame.listed(value)
    leaving = "coming" if need.window is None else f"least({frame.enters(f'final + {need.window}')}, coming)"
    return f"""
        SELECT {frame.listed("since", f"{leaving} AS leaving")} FROM (
            SELECT {keys}, since, final,
                lead(since, 1, {frame.span.last + 1}) OVER (PARTITION BY {keys} ORDER BY since) AS coming
            FROM (
                SELECT {keys}, {frame.enters("ts")} AS since, max(ts) AS final
                {_source(frame)} AND {value} IS NOT NULL GROUP BY ALL
            )
        )
    """


def _source(frame: Frame) -> str:
    known = [f"{key} IS NOT NULL" for key in frame.keys]
    in_time = f"{frame.grid.after_sql('ts')} <= {frame.span.last}"
    return f"FROM events WHERE {' AND '.join([in_time, *known])}"
