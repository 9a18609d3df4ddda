"""A declared view as SQL: each feature's expression, and all that the expressions need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from tfrs_mtl.behaviour.columns import duckdb_type
from tfrs_mtl.behaviour.grid import microseconds
from tfrs_mtl.behaviour.measures import EVERY_EVENT, Scope, measure_sql
from tfrs_mtl.behaviour.needs import Latest, Needs, Total
from tfrs_mtl.errors import DataError, nearest
from tfrs_mtl.schema import Column, View
from tfrs_mtl.spec import BehaviourView


@dataclass(frozen=True)
class Plan:
    """What to compute for one view.

    Attributes:
        view: the registry's view.
        declared: its declaration.
        expressions: feature -> SQL over a live row, uncast.
        needs: the running quantities that the expressions name.
        size: for a pair view, the column of the count in the longest window; its keys are ordered by it.
        latest: for a pair view, the column of the latest event's time.
    """

    view: View
    declared: BehaviourView
    expressions: Mapping[str, str]
    needs: Needs
    size: str
    latest: str

    @property
    def features(self) -> tuple[tuple[Column, str], ...]:
        """The features in the view's order, each with its SQL."""
        named = self.expressions
        return tuple((column, named[column.name]) for column in self.view.columns if column.name in named)

    @property
    def keys_field(self) -> Column | None:
        """The field of a pair view that holds the keys: the one field that is not declared as a feature."""
        return next(
            (c for c in self.view.columns if self.declared.is_pair and c.name not in self.expressions), None
        )

    def key_sql(self) -> str:
        """Return SQL for the entity's key in the view's type."""
        return f"CAST(owner AS {duckdb_type(self.view.keys[0])})"


def plan_view(view: View, declared: BehaviourView, *, types: Mapping[str, str], other: str) -> Plan:
    """Return the plan of a view.

    Args:
        types: DuckDB's type of each column of the interactions.
        other: column of the other side's key.
    """
    needs = Needs()
    scope = Scope(declared, types, other, needs)
    for measure in declared.features.values():
        for key in ("column", "where", "given"):
            _check_column(getattr(measure, key, None), types)
    expressions = {name: measure_sql(measure, scope) for name, measure in declared.features.items()}
    _check_fields(view, declared)
    size = needs.of_entity(Total(EVERY_EVENT, longest_window(declared))) if declared.is_pair else ""
    latest = needs.of_entity(Latest(EVERY_EVENT)) if declared.is_pair else ""
    return Plan(view, declared, expressions, needs, size, latest)


def longest_window(declared: BehaviourView) -> int | None:
    """Return the longest window of a view's features in microseconds; None if one looks at all the past."""
    windows: list[timedelta | None] = [getattr(m, "window", None) for m in declared.features.values()]
    known = [microseconds(window) for window in windows if window is not None]
    return max(known) if len(known) == len(windows) else None


def _check_column(column: str | None, types: Mapping[str, str]) -> None:
    if column is not None and column not in types:
        raise DataError(f"the interactions have no column {column!r}; {nearest(column, list(types))}")


def _check_fields(view: View, declared: BehaviourView) -> None:
    names = [c.name for c in view.columns]
    for name in declared.features:
        if name not in names:
            raise DataError(f"feature view {view.name!r} has no field {name!r}; {nearest(name, names)}")
    extra = [name for name in names if name not in declared.features]
    if len(extra) != int(declared.is_pair):
        raise DataError(
            f"feature view {view.name!r} has the fields {extra}, which its `behaviour` section lacks; "
            f"expected {'one, for the keys' if declared.is_pair else 'none'}"
        )
