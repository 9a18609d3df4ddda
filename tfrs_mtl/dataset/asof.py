"""Our own point-in-time join, for views that are parquet files on the duckdb store.

It gives what Feast's duckdb store gives: of the view's rows with the entity's key and a time not after the
row's, the latest; of equal times, the one written last; null where the latest is older than the TTL
(inclusive). But only keys and times are joined, by a sort and a binary search of all rows at once; the
features are then taken column by column from the file. DuckDB reads the files, as it does for Feast.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfrs_mtl.errors import DataError
from tfrs_mtl.schema import Column, Feature, Selection, Side, View
from tfrs_mtl.store import TIMESTAMP, conform, connect, from_file, moment, quoted, remedy, scan

_FIRST, _LAST = -(2**63), 2**63 - 1

Ints = NDArray[np.int64]


def is_applicable(side: Side, offline_store: str) -> bool:
    """Whether all of a side's views are local parquet behind the duckdb offline store."""
    selections = side.service.selections if side.service else ()
    return offline_store == "duckdb" and all(s.view.source.path is not None for s in selections)


def features_by_asof(side: Side, rows: pa.Table) -> pa.Table:
    """Return a side's fetched features as of each row's time.

    Args:
        rows: the side's join key and ``event_timestamp``, [n].

    Returns:
        One column a fetched feature, named ``view__column``, [n], in the order of ``rows``.

    Raises:
        DataError: a view's file is missing, truncated, or lacks a column.
    """
    assert side.service is not None
    keys, times = rows.column(side.key.name), _int64(rows.column(TIMESTAMP), _FIRST)
    fetched = {f.view for f in side.fetched}
    views = {s.name: s for s in side.service.selections if s.name in fetched}
    with connect() as connection, ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda s: _matched(connection, s, side.key, keys, times), views.values())
        matches = dict(zip(views, found, strict=True))
        columns = pool.map(lambda f: _gathered(connection, matches[f.view], f), side.fetched)
        return pa.table({f.name: column for f, column in zip(side.fetched, columns, strict=True)})


@dataclass(frozen=True)
class _Match:
    """A view, the number of its rows, and for each row asked for the place among them, or null, [n]."""

    view: View
    size: int
    places: pa.Array


def _matched(
    connection: duckdb.DuckDBPyConnection,
    selection: Selection,
    key: Column,
    keys: pa.ChunkedArray,
    times: Ints,
) -> _Match:
    view = selection.view
    versions = _versions(connection, view, selection.join_keys[0][0])
    owners = conform(versions, [("key", Column("key", key.dtype))], origin=str(view.source.path)).column(0)
    return _Match(view, len(versions), _places(owners, versions, keys, times, view.ttl))


def _versions(connection: duckdb.DuckDBPyConnection, view: View, key: str) -> pa.Table:
    """Return key, time and, if the source has it, writing time of each of the view's rows."""
    source = view.source
    created = f", {moment(from_file(source.created))} AS created" if source.created else ""
    columns = f"{from_file(source.raw(key))} AS key, {moment(from_file(source.timestamp))} AS time{created}"
    return _read(connection, view, columns)


def _read(connection: duckdb.DuckDBPyConnection, view: View, columns: str) -> pa.Table:
    path = view.source.path
    assert path is not None
    if not path.exists():
        raise DataError(f"feature view {view.name!r}: {path} does not exist{remedy(view)}")
    with connection.cursor() as cursor:  # a thread needs its own
        try:
            return cursor.execute(f"SELECT {columns} FROM {scan(path)} AS file").to_arrow_table()
        except duckdb.Error as error:
            raise DataError(f"feature view {view.name!r}: {path} cannot be read: {error}") from error


def _places(
    of: pa.ChunkedArray, versions: pa.Table, keys: pa.ChunkedArray, times: Ints, ttl: timedelta | None
) -> pa.Array:
    """Return for each row the place of the version of its key that holds at its time, or null, [n]."""
    if len(versions) == 0:
        return pa.nulls(len(times), pa.int64())
    encoded = _whole(of).dictionary_encode()
    owners = _int64(encoded.indices, -1)
    asked = _int64(pc.index_in(keys, value_set=encoded.dictionary), -1)
    held = _int64(versions.column("time"), _LAST)
    # The sort is stable: where nothing else tells, what is last in the file wins.
    ties = [_int64(versions.column("created"), _FIRST)] if "created" in versions.column_names else []
    order = np.lexsort((*ties, held, owners))
    held = held[order]
    starts = np.cumsum(np.bincount(owners + 1, minlength=len(encoded.dictionary) + 1))
    first = starts[asked]
    # An unknown key, -1, has its end before its start: nothing is found.
    place = _last_until(held, first, starts[asked + 1], times)
    found = place >= first
    if ttl is not None:
        found &= times - held[place] <= ttl // timedelta(microseconds=1)
    narrow = np.int32 if len(versions) < 2**31 else np.int64  # halves the time of taking strings
    return pa.array(order[place].astype(narrow), mask=~found)


def _last_until(held: Ints, first: Ints, end: Ints, times: Ints) -> Ints:
    """Return the last of ``first <= place < end`` with ``held[place] <= time``, else ``first - 1``, [n].

    One binary search for all rows at once; ``held`` ascends between ``first`` and ``end``.
    """
    place = first - 1
    for power in reversed(range(int((end - first).max(initial=0)).bit_length())):
        further = place + (1 << power)
        is_until = (further < end) & (held.take(further, mode="clip") <= times)
        place = np.where(is_until, further, place)
    return place


def _gathered(connection: duckdb.DuckDBPyConnection, match: _Match, feature: Feature) -> pa.ChunkedArray:
    view = match.view
    column = Column(feature.column, feature.dtype)
    table = _read(connection, view, f"{from_file(view.source.raw(column.name))} AS {quoted(column.name)}")
    held = conform(table, [(column.name, column)], origin=str(view.source.path))
    if len(held) != match.size:
        raise DataError(
            f"feature view {view.name!r}: {view.source.path} was rewritten while it was read; try again"
        )
    return pa.chunked_array([_whole(held.column(0)).take(match.places)])


def _whole(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole


def _int64(column: pa.Array | pa.ChunkedArray, null: int) -> Ints:
    """Return integers or microseconds, with a number of our own where null."""
    return np.asarray(pc.fill_null(column.cast(pa.int64()), null).to_numpy())
