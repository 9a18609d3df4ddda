"""One run of a view's computation: the events, the states of the entities, and rows a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pyarrow as pa

from tfrs_mtl.behaviour.events import (
    Connection,
    EventsTable,
    ItemsTable,
    attach,
    create_events,
    create_versions,
)
from tfrs_mtl.behaviour.grid import Grid, Span
from tfrs_mtl.behaviour.last import blocks_sql
from tfrs_mtl.behaviour.pairs import arrays_sql
from tfrs_mtl.behaviour.plan import Plan, plan_view
from tfrs_mtl.behaviour.quoting import quoted
from tfrs_mtl.behaviour.snapshot import flat_sql, rows_sql
from tfrs_mtl.behaviour.windows import Frame, states_sql
from tfrs_mtl.errors import DataError
from tfrs_mtl.schema import View
from tfrs_mtl.spec import BehaviourView

Progress = Callable[[int, int], None]
"""Called with the grid times done and the grid times of this run."""

_LIVE_ROWS = 400_000
"""How many rows (of pairs, for a pair view) are computed at once: it bounds the memory."""


def prepare(
    connection: Connection, view: View, declared: BehaviourView, events: EventsTable, items: ItemsTable | None
) -> Plan:
    """Create the table ``events`` and return the plan of the view.

    Raises:
        DataError: a table or a column is missing or cannot be read.
    """
    types = attach(connection, "raw", events)
    owner, other = (events.item, events.query) if declared.of == "item" else (events.query, events.item)
    plan = plan_view(view, declared, types=types, other=other)
    attribute = "NULL"
    if isinstance(declared.of, tuple):
        attribute = "v.value" if declared.of[1] != "item" else f"e.{quoted(other)}"
    if attribute == "v.value":
        if items is None:
            raise DataError(
                f"behaviour view {view.name!r}: the versions of {declared.of[1]!r} were expected, got none"
            )
        attach(connection, "items", items)
        create_versions(connection, items)
    create_events(
        connection,
        owner=owner,
        other=other,
        timestamp=events.timestamp,
        amounts=plan.needs.amounts,
        attribute=attribute,
    )
    return plan


def new_span(
    connection: Connection, grid: Grid, *, start: datetime | None, until: datetime, written: int | None
) -> Span:
    """Return the grid times to add: after the first event, after ``start``, after the last one written."""
    found = connection.execute(f"SELECT min({grid.after_sql('ts')}) FROM events").fetchone()
    last = grid.at_or_before(until)
    if found is None or found[0] is None:
        return Span(last + 1, last)
    firsts = [int(found[0])]
    if start is not None:
        firsts.append(grid.at_or_before(start) + 1)
    if written is not None:
        firsts.append(written + 1)
    return Span(max(firsts), last)


class Job:
    """The computation of one run: states first, then rows a piece of the span at a time."""

    def __init__(self, connection: Connection, plan: Plan, grid: Grid, span: Span, *, built: int) -> None:
        self.connection = connection
        self.plan = plan
        self.span = span
        self.built = built
        amounts = plan.needs.amounts
        self.entity = Frame(("owner", "attr") if plan.declared.is_pair else ("owner",), grid, span, amounts)
        self.query = Frame(("owner",), grid, span, amounts)
        self.everyone = Frame((), grid, span, amounts)

    def tables(self, progress: Progress | None) -> Iterator[pa.Table]:
        """Yield the rows of the span in the order of time."""
        if len(self.span) == 0:
            return
        self._create_states()
        done = 0
        for piece in self.span.pieces(self._pieces()):
            yield self._rows(piece)
            done += len(piece)
            if progress is not None:
                progress(done, len(self.span))

    def _create_states(self) -> None:
        needs = self.plan.needs
        tables = {"states": states_sql(needs.running, self.entity)}
        if needs.overall:
            tables["overall"] = states_sql(needs.overall, self.everyone)
        if self.plan.declared.is_pair:
            tables["queries"] = states_sql({}, self.query)
        for need, prefix in needs.recent.items():
            tables[prefix] = blocks_sql(need, needs.amounts[need.flag])
        for name, sql in tables.items():
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")

    def _pieces(self) -> int:
        found = self.connection.execute("SELECT coalesce(sum(till - since), 0) FROM states").fetchone()
        assert found is not None
        return 1 + int(found[0]) // _LIVE_ROWS

    def _rows(self, piece: Span) -> pa.Table:
        if self.plan.declared.is_pair:
            rows = arrays_sql(self.plan, self.entity, self.everyone, self.query, piece)
        else:
            rows = flat_sql(self.plan, self.entity, self.everyone, piece)
        sql = rows_sql(self.plan, rows, every=self.entity.grid.every, built=self.built)
        return self.connection.execute(sql).to_arrow_table()
