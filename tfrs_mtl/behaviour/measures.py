"""Measures as SQL over running quantities: one small function a measure, one line in the table.

Sums are exact and the same in whatever order events come, so that a build in steps equals one in full:
floating point numbers are added as 128-bit integers in units of 2^-50 (about 1e-15), up to 1.5e23.
Values that are not finite count as null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tfrs_mtl.behaviour.grid import DAY, microseconds
from tfrs_mtl.behaviour.needs import Latest, Needs, Total, Unique
from tfrs_mtl.behaviour.quoting import quoted
from tfrs_mtl.spec import (
    Ages,
    BehaviourView,
    Count,
    Distinct,
    Last,
    Mean,
    Measure,
    Popularity,
    Rate,
    Recency,
    Section,
    Sum,
)

_UNIT = 2**50
_WHOLE = (
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)

EVERY_EVENT = "1"
"""The flag of all events."""


@dataclass
class Scope:
    """What a measure may ask of its surroundings.

    Attributes:
        declared: the view, for measures that name another one.
        types: DuckDB's type of each column of the interactions.
        other: column of the other side's key: what `last` lists.
        needs: where a measure asks for running quantities.
    """

    declared: BehaviourView
    types: Mapping[str, str]
    other: str
    needs: Needs

    def is_whole(self, column: str) -> bool:
        """Whether a column holds integers or booleans."""
        return self.types[column] in _WHOLE


def flag(*columns: str | None) -> str:
    """Return SQL that is 1 for events where all the named columns are true, else 0; null is false."""
    held = [f"coalesce(CAST(e.{quoted(c)} AS BOOLEAN), false)" for c in columns if c is not None]
    return f"CAST({' AND '.join(held)} AS TINYINT)" if held else EVERY_EVENT


def _span(window: timedelta | None) -> int | None:
    return None if window is None else microseconds(window)


def _count(measure: Count, scope: Scope) -> str:
    return scope.needs.of_entity(Total(flag(measure.where), _span(measure.window)))


def _sum(measure: Sum | Mean, scope: Scope) -> str:
    column = f"e.{quoted(measure.column)}"
    whole = scope.is_whole(measure.column)
    number = f"CAST({column} AS DOUBLE)"
    exact = column if whole else f"CASE WHEN isfinite({number}) THEN {number} * {_UNIT}.0 END"
    amount = f"CASE WHEN {flag(measure.where)} = 1 THEN CAST({exact} AS HUGEINT) END"
    total = scope.needs.of_entity(Total(amount, _span(measure.window), "HUGEINT"))
    return total if whole else f"(CAST({total} AS DOUBLE) / {_UNIT}.0)"


def _mean(measure: Mean, scope: Scope) -> str:
    column = f"e.{quoted(measure.column)}"
    present = (
        f"{column} IS NOT NULL" if scope.is_whole(measure.column) else f"isfinite(CAST({column} AS DOUBLE))"
    )
    amount = f"CASE WHEN {flag(measure.where)} = 1 AND {present} THEN 1 END"
    number = scope.needs.of_entity(Total(amount, _span(measure.window)))
    return f"CAST({_sum(measure, scope)} AS DOUBLE) / nullif({number}, 0)"


def _distinct(measure: Distinct, scope: Scope) -> str:
    value = f"CASE WHEN {flag(measure.where)} = 1 THEN e.{quoted(measure.column)} END"
    return scope.needs.of_entity(Unique(value, _span(measure.window)))


def _rate(measure: Rate, scope: Scope) -> str:
    window = _span(measure.window)
    held = scope.needs.of_entity(Total(flag(measure.where, measure.given), window))
    among = scope.needs.of_entity(Total(flag(measure.given), window))
    return f"CAST({held} AS DOUBLE) / nullif({among}, 0)"


def _recency(measure: Recency, scope: Scope) -> str:
    return f"CAST(moment - {scope.needs.of_entity(Latest(flag(measure.where)))} AS DOUBLE) / {DAY}"


def _popularity(measure: Popularity, scope: Scope) -> str:
    need = Total(flag(measure.where), _span(measure.window))
    return (
        f"coalesce(CAST({scope.needs.of_entity(need)} AS DOUBLE) / nullif({scope.needs.of_all(need)}, 0), 0)"
    )


def _recent(measure: Last, scope: Scope) -> str:
    known = f"e.{quoted(scope.other)} IS NOT NULL"
    chosen = f"CAST({flag(measure.where)} = 1 AND {known} AS TINYINT)"
    return scope.needs.of_recent(chosen, measure.limit, _span(measure.window))


def _last(measure: Last, scope: Scope) -> str:
    return f"{_recent(measure, scope)}_ids"


def _ages(measure: Ages, scope: Scope) -> str:
    last = scope.declared.features[measure.of]
    assert isinstance(last, Last)
    times = f"{_recent(last, scope)}_times"
    return f"list_transform({times}, lambda x: CAST(moment - x AS DOUBLE) / {DAY})"


_SQL: Mapping[type[Section], Callable[[Any, Scope], str]] = {
    Ages: _ages,
    Count: _count,
    Distinct: _distinct,
    Last: _last,
    Mean: _mean,
    Popularity: _popularity,
    Rate: _rate,
    Recency: _recency,
    Sum: _sum,
}


def measure_sql(measure: Measure, scope: Scope) -> str:
    """Return SQL for one feature at a snapshot, over the columns that ``scope.needs`` was asked for.

    The row also holds ``moment``, the snapshot's time in microseconds.
    """
    return _SQL[type(measure)](measure, scope)
