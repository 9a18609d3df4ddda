"""Building the behaviour views that a spec declares, each from all interactions so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from tfrs_mtl.behaviour import BuildReport, EventsTable, ItemsTable, Progress, build_view
from tfrs_mtl.dataset.present import grid_time_after
from tfrs_mtl.errors import DataError
from tfrs_mtl.project import Project
from tfrs_mtl.schema import Column, Schema
from tfrs_mtl.spec import BehaviourView
from tfrs_mtl.store import TIMESTAMP

ProgressOf = Callable[[str], Progress | None]
"""The name of a view -> where to tell how far it is."""


def build_features(
    project: Project,
    *,
    now: datetime,
    until: datetime | None = None,
    rebuild: bool = False,
    progress: ProgressOf = lambda view: None,
) -> Iterator[BuildReport]:
    """Build or continue the snapshots of every declared behaviour view, yielding a report as each is done.

    Args:
        now: the time of writing.
        until: the last possible snapshot time. Without it, the first grid time after the last interaction,
            so that all that is known is in a snapshot (or ``now``, if that comes first).
        rebuild: write all snapshots anew.

    Raises:
        DataError: there is no interaction, or a file cannot be read.
    """
    schema = project.schema
    if not schema.behaviour:
        return
    events = _read_events(project, schema)
    last = pc.max(events.column(TIMESTAMP)).as_py()
    if last is None:
        raise DataError(f"feature view {schema.events.name!r}: no interaction to count")
    table = EventsTable(events, query=schema.query.key.name, item=schema.item.key.name, timestamp=TIMESTAMP)
    for view, declared in schema.behaviour:
        every = declared.every or project.spec.behaviour.every
        yield build_view(
            view,
            declared,
            events=table,
            items=_attribute_versions(project, schema, declared),
            every=every,
            until=until or min(grid_time_after(last, every), now),
            now=now,
            rebuild=rebuild,
            progress=progress(view.name),
        )


def _read_events(project: Project, schema: Schema) -> pa.Table:
    """Read the columns that any measure needs."""
    wanted = {
        name
        for _, declared in schema.behaviour
        for measure in declared.features.values()
        for key in ("column", "where", "given")
        if (name := getattr(measure, key, None)) is not None
    }
    keys = [schema.query.key, schema.item.key]
    columns = [
        c for name in sorted(wanted) if (c := schema.events.column(name)) is not None and c not in keys
    ]
    return project.repo.rows(schema.events, [*keys, *columns], end=project.spec.split.end)


def _attribute_versions(project: Project, schema: Schema, declared: BehaviourView) -> ItemsTable | None:
    """Read all versions of the item attribute that a pair view is keyed by."""
    if not isinstance(declared.of, tuple) or declared.of[1] == "item":
        return None
    feature = next(f for f in schema.item.fetched if f.column == declared.of[1])
    assert schema.item.service is not None
    selection = next(s for s in schema.item.service.selections if s.name == feature.view)
    column = Column(feature.column, feature.dtype)
    rows = project.repo.rows(selection.view, [selection.view.keys[0], column])
    return ItemsTable(rows, item=selection.view.keys[0].name, timestamp=TIMESTAMP, value=feature.column)
