"""The rows of a view at some grid times, from the states of its entities."""

from __future__ import annotations

from collections.abc import Sequence

from tfrs_mtl.behaviour.columns import duckdb_type
from tfrs_mtl.behaviour.grid import Span
from tfrs_mtl.behaviour.last import block_join, slice_sql
from tfrs_mtl.behaviour.plan import Plan
from tfrs_mtl.behaviour.quoting import quoted
from tfrs_mtl.behaviour.windows import Frame, live_sql


def seen_sql(plan: Plan, frame: Frame, overall: Frame, span: Span) -> str:
    """Return SQL for one row an entity and grid time, with all columns that the plan's expressions name."""
    needs = plan.needs
    live = live_sql("states", frame, list(needs.running.values()), span)
    columns = ["s.*", f"s.number * {frame.grid.every} AS moment", *(f"o.{c}" for c in needs.overall.values())]
    joins = []
    if needs.overall:
        joins.append(
            f"JOIN ({live_sql('overall', overall, list(needs.overall.values()), span)}) o USING (number)"
        )
    for need, prefix in needs.recent.items():
        rank, held = needs.running[need.rank], needs.running[need.held]
        joins.append(block_join(need, prefix, rank))
        for column in ("ids", "times"):
            columns.append(f"{slice_sql(need, prefix, column, rank=rank, held=held)} AS {prefix}_{column}")
    return f"SELECT {', '.join(columns)} FROM ({live}) s {' '.join(joins)}"


def flat_sql(plan: Plan, frame: Frame, overall: Frame, span: Span) -> str:
    """Return SQL for the rows of a query or item view: ``owner``, ``number``, one column a feature."""
    columns = [
        f"CAST({sql} AS {_sql_type(c.dtype.is_list, duckdb_type(c))}) AS {quoted(c.name)}"
        for c, sql in plan.features
    ]
    seen = seen_sql(plan, frame, overall, span)
    return f"SELECT {plan.key_sql()} AS owner, number, {', '.join(columns)} FROM ({seen})"


def rows_sql(plan: Plan, rows: str, *, every: int, built: int) -> str:
    """Return SQL for rows in the form of the view's source: its names, its times, ordered by time and key.

    Args:
        rows: SQL for ``owner``, ``number`` and one column a field of the view.
        built: the time of writing in microseconds, for the source's column of it.
    """
    source = plan.view.source
    times = [
        (source.timestamp, f"number * {every}"),
        *([(source.created, str(built))] if source.created else []),
    ]
    columns: Sequence[str] = [
        f"owner AS {quoted(source.raw(plan.view.keys[0].name))}",
        *(f"make_timestamp({value}) AS {quoted(name)}" for name, value in times),
        *(f"{quoted(c.name)} AS {quoted(source.raw(c.name))}" for c in plan.view.columns),
    ]
    return f"SELECT {', '.join(columns)} FROM ({rows}) ORDER BY number, owner"


def _sql_type(is_list: bool, base: str) -> str:
    return f"{base}[]" if is_list else base
