"""The interactions as the computation reads them: keys, times in microseconds, and what the measures need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from tfrs_mtl.behaviour.quoting import quoted
from tfrs_mtl.errors import DataError, nearest


@dataclass(frozen=True)
class EventsTable:
    """All interactions, one row each. Rows without the key of the view's side, or a time, are left out.

    Attributes:
        data: an Arrow table, or a parquet file or directory of them.
        query: column of the query's key.
        item: column of the item's key.
        timestamp: column of the event time; a time without zone is UTC.
    """

    data: pa.Table | Path
    query: str
    item: str
    timestamp: str


@dataclass(frozen=True)
class ItemsTable:
    """The versions of one attribute of the items, joined to each event as of the event's time.

    Attributes:
        data: an Arrow table, or a parquet file or directory of them.
        item: column of the item's key.
        timestamp: column of the time from which a version holds.
        value: column of the attribute.
        created: column that tells which of two versions of the same time is right (the later); else the
            greater value is taken.
    """

    data: pa.Table | Path
    item: str
    timestamp: str
    value: str
    created: str | None = None


Connection = duckdb.DuckDBPyConnection


def attach(connection: Connection, name: str, table: EventsTable | ItemsTable) -> dict[str, str]:
    """Make a table readable as ``name``; return the DuckDB type of each of its columns."""
    if isinstance(table.data, Path):
        files = table.data / "**" / "*.parquet" if table.data.is_dir() else table.data
        try:
            connection.read_parquet(str(files)).create_view(name)
        except duckdb.Error as error:
            raise DataError(f"{table.data}: expected readable parquet; {error}") from error
    else:
        connection.register(name, table.data)
    described = connection.execute(f"DESCRIBE {quoted(name)}").fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    _check(table, types)
    return types


def _check(table: EventsTable | ItemsTable, types: Mapping[str, str]) -> None:
    what = "the interactions" if isinstance(table, EventsTable) else "the table of item attributes"
    for key in ("query", "item", "timestamp", "value", "created"):
        column = getattr(table, key, None)
        if column is not None and column not in types:
            raise DataError(f"{what} have no column {column!r} ({key}); {nearest(column, list(types))}")


def create_events(
    connection: Connection,
    *,
    owner: str,
    other: str,
    timestamp: str,
    amounts: Mapping[str, str],
    attribute: str,
) -> None:
    """Create the table ``events`` from the view ``raw``: owner, other, attr, ts and one column an amount.

    Args:
        amounts: SQL over one row ``e`` of ``raw`` -> the column it fills.
        attribute: SQL of the second key, over ``e`` and ``v`` (the versions); NULL if there is none.
    """
    moment = f"CAST(e.{quoted(timestamp)} AS TIMESTAMPTZ)"
    joined = f"ASOF LEFT JOIN versions v ON e.{quoted(other)} = v.item AND {moment} >= v.since"
    columns = [
        f"e.{quoted(owner)} AS owner",
        f"e.{quoted(other)} AS other",
        f"{attribute} AS attr",
        f"epoch_us({moment}) AS ts",
        *(f"{sql} AS {column}" for sql, column in amounts.items()),
    ]
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE events AS
        SELECT {", ".join(columns)} FROM raw e {joined if attribute.startswith("v.") else ""}
        WHERE e.{quoted(owner)} IS NOT NULL AND e.{quoted(timestamp)} IS NOT NULL
    """)


def create_versions(connection: Connection, table: ItemsTable) -> None:
    """Create the table ``versions`` (item, since, value) from ``items``: one row an item and time."""
    order = f"i.{quoted(table.created)}" if table.created else f"i.{quoted(table.value)}"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE versions AS
        SELECT i.{quoted(table.item)} AS item, CAST(i.{quoted(table.timestamp)} AS TIMESTAMPTZ) AS since,
            arg_max_null(i.{quoted(table.value)}, {order}) AS value
        FROM items i
        WHERE i.{quoted(table.item)} IS NOT NULL AND i.{quoted(table.timestamp)} IS NOT NULL
        GROUP BY ALL
    """)
