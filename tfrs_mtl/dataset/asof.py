"""Our own point-in-time join, for views that are parquet files on the duckdb store.

It gives what Feast's duckdb store gives: of the view's rows with the entity's key and a time not after the
row's, the latest; of equal times, the one written last; null where the latest is older than the TTL
(inclusive). But only keys and times are joined, by a sort and a binary search of all rows at once; the
features are then taken column by column from the file. DuckDB reads the files, so types are as Feast sees them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfrs_mtl.errors import DataError
from tfrs_mtl.schema import Column, Feature, Selection, Side, View
from tfrs_mtl.store import TIMESTAMP, conform, connect, moment, quoted, scan

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
    columns: dict[str, pa.ChunkedArray] = {}
    times = _int64(rows.column(TIMESTAMP), _FIRST)
    for selection in side.service.selections:
        features = [f for f in side.fetched if f.view == selection.name]
        if features:
            columns |= _selected(selection, features, rows.column(side.key.name), times)
    return pa.table({f.name: columns[f.name] for f in side.fetched})


def _selected(
    selection: Selection, features: Sequence[Feature], keys: pa.ChunkedArray, times: Ints
) -> dict[str, pa.ChunkedArray]:
    view = selection.view
    path = view.source.path
    assert path is not None
    if not path.exists():
        raise DataError(
            f"feature view {view.name!r}: {path} does not exist; write it, or run `tfrs-mtl features`"
        )
    with connect() as connection:
        try:
            versions = _versions(connection, view, selection.join_keys[0][0])
            index = _match(versions, keys, times, view.ttl)
            return _gathered(connection, view, features, index, len(versions))
        except duckdb.Error as error:
            raise DataError(f"feature view {view.name!r}: {path} cannot be read: {error}") from error


def _versions(connection: duckdb.DuckDBPyConnection, view: View, key: str) -> pa.Table:
    """Return key, time and, if the source has it, writing time of each of the view's rows."""
    source = view.source
    assert source.path is not None
    created = f", {moment(quoted(source.created))} AS created" if source.created else ""
    return connection.execute(
        f"SELECT {quoted(source.raw(key))} AS key, {moment(quoted(source.timestamp))} AS time{created} "
        f"FROM {scan(source.path)}"
    ).to_arrow_table()


def _match(versions: pa.Table, keys: pa.ChunkedArray, times: Ints, ttl: timedelta | None) -> pa.Array:
    """Return for each row the position of the version that holds at its time, or null, [n]."""
    if len(versions) == 0:
        return pa.nulls(len(times), pa.int64())
    encoded = _whole(versions.column("key").cast(keys.type)).dictionary_encode()
    owners = _int64(encoded.indices, -1)
    asked = _int64(pc.index_in(keys, value_set=encoded.dictionary), -1)
    held = _int64(versions.column("time"), _LAST)
    # The sort is stable: where nothing else tells, what is last in the file wins.
    ties = [_int64(versions.column("created"), _FIRST)] if "created" in versions.column_names else []
    order = np.lexsort((*ties, held, owners))
    held = held[order]
    starts = np.searchsorted(owners, np.arange(len(encoded.dictionary) + 1), sorter=order)
    first = starts[asked]
    # An unknown key, -1, has its end before its start: nothing is found.
    place = _last_until(held, first, starts[asked + 1], times)
    found = place >= first
    if ttl is not None:
        found &= times - held[place] <= ttl // timedelta(microseconds=1)
    return pa.array(order[place], mask=~found)


def _last_until(held: Ints, first: Ints, end: Ints, times: Ints) -> Ints:
    """Return the last place in ``first <= place < end`` with ``held[place] <= time``, else ``first - 1``, [n].

    One binary search for all rows at once; ``held`` ascends between ``first`` and ``end``.
    """
    low, high = first, end
    for _ in range(int((end - first).max(initial=0)).bit_length()):
        middle = (low + high) // 2
        is_later = held[np.minimum(middle, len(held) - 1)] > times
        is_open = low < high
        high = np.where(is_open & is_later, middle, high)
        low = np.where(is_open & ~is_later, middle + 1, low)
    return low - 1


def _gathered(
    connection: duckdb.DuckDBPyConnection, view: View, features: Sequence[Feature], index: pa.Array, size: int
) -> dict[str, pa.ChunkedArray]:
    """Take each feature at the positions, as many at a time as there are processors."""

    def gather(feature: Feature) -> pa.ChunkedArray:
        with connection.cursor() as cursor:
            return _gather(cursor, view, feature, index, size)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return dict(zip((f.name for f in features), pool.map(gather, features), strict=True))


def _gather(
    connection: duckdb.DuckDBPyConnection, view: View, feature: Feature, index: pa.Array, size: int
) -> pa.ChunkedArray:
    assert view.source.path is not None
    raw = quoted(view.source.raw(feature.column))
    table = connection.execute(f"SELECT {raw} AS {quoted(feature.column)} FROM {scan(view.source.path)}")
    column = Column(feature.column, feature.dtype)
    held = conform(table.to_arrow_table(), [(feature.column, column)], origin=str(view.source.path))
    if len(held) != size:
        raise DataError(
            f"feature view {view.name!r}: {view.source.path} was rewritten while it was read; try again"
        )
    return pa.chunked_array([_whole(held.column(0)).take(index)])


def _whole(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole


def _int64(column: pa.Array | pa.ChunkedArray, null: int) -> Ints:
    """Return integers or microseconds, with a number of our own where null."""
    return np.asarray(pc.fill_null(column.cast(pa.int64()), null).to_numpy())
