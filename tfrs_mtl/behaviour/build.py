"""Building a view's snapshots: from the interactions to parquet, all of it or what is new."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import duckdb

from tfrs_mtl.behaviour.columns import arrow_schema
from tfrs_mtl.behaviour.events import Connection, EventsTable, ItemsTable
from tfrs_mtl.behaviour.grid import EPOCH, Grid, Span, microseconds
from tfrs_mtl.behaviour.job import Job, Progress, new_span, prepare
from tfrs_mtl.behaviour.writer import Mark, read_marks, write
from tfrs_mtl.errors import DataError, StoreError
from tfrs_mtl.schema import View
from tfrs_mtl.spec import BehaviourView

_FORMAT = 1
"""Goes up when the same declaration gives other values."""


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Attributes:
        view: the view's name.
        path: the parquet file or directory.
        rows: rows added.
        first: first grid time added; None if there was nothing to add.
        last: last grid time added; None if there was nothing to add.
        rebuilt: why what stood there was written anew; None if it was not.
        seconds: how long it took.
    """

    view: str
    path: Path
    rows: int
    first: datetime | None
    last: datetime | None
    rebuilt: str | None
    seconds: float


@dataclass(frozen=True)
class Limits:
    """How much of the machine a build may use.

    Attributes:
        threads: DuckDB's threads; None for all cores.
        memory: DuckDB's memory, such as ``2GB``, beyond which it spills to a temporary directory.
    """

    threads: int | None = None
    memory: str | None = None


def build_view(
    view: View,
    declared: BehaviourView,
    *,
    events: EventsTable,
    items: ItemsTable | None = None,
    every: timedelta,
    until: datetime,
    now: datetime,
    start: datetime | None = None,
    rebuild: bool = False,
    limits: Limits = Limits(),
    progress: Progress | None = None,
) -> BuildReport:
    """Compute a view's snapshots and write them as the parquet behind its source.

    Snapshot times are the multiples of ``every`` since the Unix epoch in (first event, until]. At each, every
    entity with an event before it has a row, even if that was long ago. A row at T sees events with
    timestamp < T alone; a window is [T - window, T).

    What stands there already is kept, and grid times after its last are added: the rows are those of one
    build in full, so ``events`` must hold all the past, not the new days alone. Events that arrive late,
    before the last grid time written, change no snapshot that stands; later snapshots count them.
    ``rebuild`` writes all anew; so does a changed declaration, by itself.

    Args:
        view: the registry's view; its source is a local FileSource.
        declared: its declaration.
        events: the interactions.
        items: for ``of: [query, attribute]``, the attribute's versions; not for ``[query, item]``.
        every: the cadence; ``declared.every`` goes before it.
        until: the last possible snapshot time; later events are ignored.
        now: the time of writing, for the source's created column.
        start: if given, snapshots before or at it are left out (their events still count).
        rebuild: write all snapshots anew.
        progress: called as grid times are done.

    Raises:
        DataError: a column is missing or cannot be counted, or the parquet there is damaged or not ours.
        StoreError: the disk failed; what stood there still stands.
    """
    began = perf_counter()
    path = view.source.path
    if path is None:
        raise DataError(
            f"feature view {view.name!r}: a local FileSource was expected, got {view.source.kind}"
        )
    grid = Grid(microseconds(declared.every or every))
    stamp = _fingerprint(view, declared, grid, start)
    last, rebuilt = _standing(path, stamp, rebuild)
    rows = 0
    with (
        TemporaryDirectory(prefix="tfrs-mtl-") as spill,
        _connected(limits, spill) as connection,
        _translated(view),
    ):
        plan = prepare(connection, view, declared, events, items)
        span = new_span(connection, grid, start=start, until=until, written=last)
        job = Job(connection, plan, grid, span, built=microseconds(now - EPOCH))
        if span or rebuilt or not path.exists():
            mark = Mark(stamp, span.last if span else None)
            rows = write(
                path,
                job.tables(progress),
                schema=arrow_schema(view),
                mark=mark,
                name=_part_name(grid, span),
                keep=rebuilt is None,
            )
    first, final = (grid.time(span.first), grid.time(span.last)) if span else (None, None)
    return BuildReport(view.name, path, rows, first, final, rebuilt, perf_counter() - began)


@contextmanager
def _translated(view: View) -> Iterator[None]:
    """Raise DuckDB's errors as ours: a value it cannot take is the data's, all else the machine's."""
    try:
        yield
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        raise DataError(f"behaviour view {view.name!r}: a value cannot be counted; {error}") from error
    except duckdb.Error as error:
        raise StoreError(f"behaviour view {view.name!r}: DuckDB failed; {error}") from error


def _part_name(grid: Grid, span: Span) -> str:
    if not span:
        return "empty"
    return "-".join(f"{grid.time(number):%Y%m%dT%H%M%SZ}" for number in (span.first, span.last))


def _connected(limits: Limits, spill: str) -> Connection:
    config: dict[str, str | bool | int | float | list[str]] = {"temp_directory": spill}
    if limits.threads is not None:
        config["threads"] = limits.threads
    if limits.memory is not None:
        config["memory_limit"] = limits.memory
    connection = duckdb.connect(config=config)
    connection.execute("SET TimeZone = 'UTC'")
    # DuckDB takes an Arrow table for one row long, and would plan an ASOF join with it as a nested loop.
    connection.execute("SET asof_loop_join_threshold = 0")
    return connection


def _fingerprint(view: View, declared: BehaviourView, grid: Grid, start: datetime | None) -> str:
    """Return what decides the values and the form of a file, as a hash."""
    source = view.source
    described = {
        "format": _FORMAT,
        "declared": declared.model_dump(mode="json", exclude={"every"}),
        "every": grid.every,
        "start": start.isoformat() if start else None,
        "columns": [[source.raw(c.name), c.name, c.dtype.text] for c in (*view.keys, *view.columns)],
        "times": [source.timestamp, source.created],
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _standing(path: Path, stamp: str, rebuild: bool) -> tuple[int | None, str | None]:
    """Return the last grid time that stands, and why it must be written anew if it must."""
    if rebuild:
        return None, "a rebuild was asked for" if path.exists() else None
    marks = read_marks(path)
    if any(mark.fingerprint != stamp for mark in marks):
        return None, "the declaration, the cadence or the view has changed since"
    return max((mark.last for mark in marks if mark.last is not None), default=None), None
