"""Reading the rows of a file-backed view with DuckDB: names as in the view, types as registered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from tfrs_mtl.errors import DataError
from tfrs_mtl.schema import Column, View
from tfrs_mtl.store.types import MOMENT, conform

TIMESTAMP = "event_timestamp"
"""The name of the event time in every table of ours, whatever the source calls it."""


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def connect() -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB that reads naive times as UTC and never joins by nested loops.

    It takes an Arrow table for one row long, and would plan an ASOF join with it as a nested loop.
    """
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET asof_loop_join_threshold = 0")
    return connection


def scan(path: Path) -> str:
    """Return the SQL table function over a parquet file, or over all below a directory."""
    text = str(path / "**" / "*.parquet") if path.is_dir() else str(path)
    return "read_parquet('" + text.replace("'", "''") + "')"


def from_file(name: str) -> str:
    """Return SQL for a column of the file scanned ``AS file``.

    By its bare name, DuckDB gives for a missing ``user`` or ``current_date`` what SQL calls so.
    """
    return f"file.{quoted(name)}"


def moment(column: str) -> str:
    """Return SQL for a timestamp column of any kind as a microsecond timestamp in UTC."""
    return f"CAST({column} AS TIMESTAMPTZ)"


def read_view(
    view: View, columns: Sequence[Column], *, start: datetime | None = None, end: datetime | None = None
) -> pa.Table:
    """Read a file-backed view's rows with ``start <= time < end``, ordered by time.

    Returns:
        The given columns under the view's names, then ``event_timestamp`` (microseconds, UTC).

    Raises:
        DataError: the file is missing, truncated, or lacks a column.
    """
    assert view.source.path is not None
    stamp = moment(from_file(view.source.timestamp))
    chosen = [f"{from_file(view.source.raw(c.name))} AS {quoted(c.name)}" for c in columns]
    bounds = [f"{stamp} >= $start"] * (start is not None) + [f"{stamp} < $end"] * (end is not None)
    chosen.append(f"{stamp} AS {quoted(TIMESTAMP)}")
    sql = (
        f"SELECT {', '.join(chosen)} FROM {scan(view.source.path)} AS file "
        f"WHERE {' AND '.join([f'{stamp} IS NOT NULL', *bounds])} ORDER BY {quoted(TIMESTAMP)}"
    )
    given = {"start": start, "end": end}
    table = run(sql, view, parameters={k: v for k, v in given.items() if v is not None})
    found = conform(table, [(c.name, c) for c in columns], origin=str(view.source.path))
    return found.append_column(TIMESTAMP, table.column(TIMESTAMP).cast(MOMENT))


def run(sql: str, view: View, *, parameters: dict[str, datetime]) -> pa.Table:
    """Run SQL over a view's file and translate what may go wrong with the file."""
    path = view.source.path
    assert path is not None
    if not path.exists():
        raise DataError(f"feature view {view.name!r}: {path} does not exist{remedy(view)}")
    with connect() as connection:
        try:
            return connection.execute(sql, parameters).to_arrow_table()
        except duckdb.Error as error:
            raise DataError(f"feature view {view.name!r}: {path} cannot be read: {error}") from error


def remedy(view: View) -> str:
    """Return the end of a message for a file that is not there."""
    return f"; write it, or run `tfrs-mtl features` if {view.name!r} is declared under `behaviour`"
