"""Rows added to a parquet file: it is written anew beside itself, then renamed, so readers see it whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tfrs_mtl.errors import DataError


def append_to_file(path: Path, columns: Mapping[str, pa.ChunkedArray], *, rows: int) -> None:
    """Add rows to a parquet file, or to a directory of them as one file more.

    Args:
        columns: the file's columns; those that are left out are null.

    Raises:
        OSError, pa.ArrowException: the file cannot be read or written; then it stays as it was.
    """
    if path.is_dir():
        like = min(path.glob("**/*.parquet"))
        schema = pq.read_schema(like)
        _replaced(path / f"{uuid4().hex}.parquet", _table(schema, columns, rows), kept=None)
        return
    whole = path.resolve()  # a link stays one
    with pq.ParquetFile(whole) as kept:
        _replaced(whole, _table(kept.schema_arrow, columns, rows), kept=kept)


def put_snapshot(path: Path, rows: pa.Table, *, time: str) -> None:
    """Write a snapshot to a parquet file, in place of the one of the same time; all others stay.

    Args:
        path: of a file, which is made where there is none.
        rows: all of one time; at least one.
        time: the column of the time.

    Raises:
        DataError: the file has other columns, or is no parquet file.
        OSError: it cannot be read or written; then it stays as it was.
    """
    whole = path.resolve()
    if not whole.exists():
        whole.parent.mkdir(parents=True, exist_ok=True)
        _replaced(whole, rows, kept=None)
        return
    try:
        kept = pq.ParquetFile(whole)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: expected a parquet file: {error}") from error
    with kept:
        if not kept.schema_arrow.equals(rows.schema):
            found, wanted = (
                ", ".join(f"{f.name} {f.type}" for f in s) for s in (kept.schema_arrow, rows.schema)
            )
            raise DataError(f"{path}: holds {found}; expected {wanted}; name another file")
        _replaced(whole, rows, kept=kept, without=pc.field(time) == rows.column(time)[0])


def _table(schema: pa.Schema, columns: Mapping[str, pa.ChunkedArray], rows: int) -> pa.Table:
    arrays = [
        columns[field.name].cast(field.type) if field.name in columns else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


def _replaced(
    path: Path, table: pa.Table, *, kept: pq.ParquetFile | None, without: pc.Expression | None = None
) -> None:
    """Write what is kept, a row group at a time, and the table; then put it in place."""
    beside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with pq.ParquetWriter(beside, table.schema) as writer:
            for group in range(kept.num_row_groups if kept is not None else 0):
                assert kept is not None
                rows = kept.read_row_group(group)
                writer.write_table(rows if without is None else rows.filter(~without))
            writer.write_table(table)
        if path.exists():
            shutil.copymode(path, beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
