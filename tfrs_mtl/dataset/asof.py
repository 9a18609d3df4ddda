"""Our own point-in-time join, for views that are parquet files on the duckdb store.

It gives what Feast's duckdb store gives: of the view's rows with the entity's key and a time not after the
row's, the latest; of equal times, the one written last; null where the latest is older than the TTL
(inclusive). But DuckDB's ASOF join sees keys and times alone; the features are then taken column by
column from the file, so the cost is one narrow join and one gather a feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfrs_mtl.errors import DataError
from tfrs_mtl.schema import Column, Feature, Selection, Side, View
from tfrs_mtl.store import TIMESTAMP, arrow_type, conform, connect, moment, quoted, scan

_TIES = "__tfrs_mtl_created"


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
    for selection in side.service.selections:
        features = [f for f in side.fetched if f.view == selection.name]
        columns |= _selected(selection, features, rows, side.key.name)
    return pa.table({f.name: columns[f.name] for f in side.fetched})


def _selected(
    selection: Selection, features: Sequence[Feature], rows: pa.Table, key: str
) -> dict[str, pa.ChunkedArray]:
    view = selection.view
    path = view.source.path
    assert path is not None
    if not path.exists():
        raise DataError(f"feature view {view.name!r}: {path} does not exist; write it, or run `tfrs-mtl features`")
    if not features:
        return {}
    with connect() as connection:
        try:
            index = _match(connection, view, selection.join_keys[0][0], rows, key)
            return {f.name: _gather(connection, view, f, index) for f in features}
        except duckdb.Error as error:
            raise DataError(f"feature view {view.name!r}: {path} cannot be read: {error}") from error


def _match(
    connection: duckdb.DuckDBPyConnection, view: View, view_key: str, rows: pa.Table, key: str
) -> pa.Array:
    """Return for each row the position of the view's row that holds at its time, or null, [n]."""
    source = view.source
    created = f", {moment(quoted(source.created))} AS {quoted(_TIES)}" if source.created else ""
    versions = connection.execute(
        f"SELECT {quoted(source.raw(view_key))} AS k, {moment(quoted(source.timestamp))} AS t{created} "
        f"FROM {scan(source.path)}"  # type: ignore[arg-type]
    ).to_arrow_table()
    versions = versions.append_column("i", pa.array(np.arange(len(versions), dtype=np.int64)))
    asked = pa.table(
        {"k": rows.column(key), "t": rows.column(TIMESTAMP), "n": pa.array(np.arange(len(rows), dtype=np.int64))}
    )
    connection.register("asked", asked)
    connection.register("versions", versions)
    right = "versions" if _is_unique(connection) else _latest(source.created is not None)
    found = connection.execute(
        f"SELECT a.n, v.i, epoch_us(a.t) - epoch_us(v.t) AS age FROM asked a ASOF JOIN {right} v "
        "ON a.k = v.k AND a.t >= v.t"
    ).fetchnumpy()
    return _positions(found, len(rows), view.ttl)


def _is_unique(connection: duckdb.DuckDBPyConnection) -> bool:
    duplicates = "SELECT 1 FROM versions GROUP BY k, t HAVING count(*) > 1 LIMIT 1"
    return connection.execute(duplicates).fetchone() is None


def _latest(has_created: bool) -> str:
    """Return SQL that keeps of equal (key, time) the row written last, or the last in the file."""
    order = f"{quoted(_TIES)} DESC NULLS LAST, i DESC" if has_created else "i DESC"
    return (
        f"(SELECT k, t, i FROM versions QUALIFY row_number() OVER (PARTITION BY k, t ORDER BY {order}) = 1)"
    )


def _positions(found: dict[str, NDArray[np.int64]], size: int, ttl: timedelta | None) -> pa.Array:
    positions = np.full(size, -1, np.int64)
    kept = slice(None) if ttl is None else found["age"] <= ttl // timedelta(microseconds=1)
    positions[found["n"][kept]] = found["i"][kept]
    return pa.array(positions, mask=positions < 0)


def _gather(
    connection: duckdb.DuckDBPyConnection, view: View, feature: Feature, index: pa.Array
) -> pa.ChunkedArray:
    raw = quoted(view.source.raw(feature.column))
    table = connection.execute(f"SELECT {raw} AS {quoted(feature.column)} FROM {scan(view.source.path)}")  # type: ignore[arg-type]
    column = Column(feature.column, feature.dtype)
    held = conform(table.to_arrow_table(), [(feature.column, column)], origin=str(view.source.path))
    if len(held) == 0:
        return pa.chunked_array([pa.nulls(len(index), arrow_type(feature.dtype))])
    whole = held.column(0).combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    return pa.chunked_array([pc.take(whole, index)])
