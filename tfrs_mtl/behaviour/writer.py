"""Snapshot parquet: what was written before, and writing more of it whole or not at all.

A path that ends in ``.parquet`` is one file, written anew under a temporary name and renamed into place: the
old rows are copied, the new ones appended. Any other path is a directory with one part a run,
named by its grid times (in Feast: ``FileSource(path=..., file_format=ParquetFormat())``); a run does not copy
the others. The file's metadata says which declaration it was made of and how far it goes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tfrs_mtl.errors import DataError, StoreError

_KEY = b"tfrs_mtl.behaviour"
_REMEDY = "delete it, or rebuild (`tfrs-mtl features --rebuild`)"


@dataclass(frozen=True)
class Mark:
    """What the metadata of a written file says.

    Attributes:
        fingerprint: of the declaration, grid and view it was made of.
        last: number of the last grid time that was written; None if there was nothing to write.
    """

    fingerprint: str
    last: int | None


def is_file(path: Path) -> bool:
    """Whether a source's path is one file, as against a directory of parts."""
    return path.suffix == ".parquet" and not path.is_dir()


def read_marks(path: Path) -> list[Mark]:
    """Return the marks of the files behind a path; none if nothing was written yet.

    Raises:
        DataError: a file cannot be read, or is not ours.
    """
    return [_read_mark(file) for file in _files(path)]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.glob("*.parquet"))
    return [path] if path.exists() else []


def _read_mark(file: Path) -> Mark:
    try:
        metadata = pq.read_metadata(file).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"{file}: expected snapshots in parquet, but it cannot be read ({error}); {_REMEDY}"
        ) from error
    if _KEY not in metadata:
        raise DataError(
            f"{file}: these are not snapshots of ours, so they are not added to; move it away, or {_REMEDY}"
        )
    return Mark(**json.loads(metadata[_KEY]))


def write(
    path: Path, tables: Iterable[pa.Table], *, schema: pa.Schema, mark: Mark, name: str, keep: bool
) -> int:
    """Write tables behind a path and return the number of their rows.

    Args:
        tables: the new rows; they are computed while they are written.
        name: name of the part, if the path is a directory.
        keep: whether the rows that stand there already stay.

    Raises:
        StoreError: the disk failed; what stood there still stands.
        DataError: the old file is damaged.
    """
    schema = schema.with_metadata({_KEY: json.dumps(asdict(mark)).encode()})
    target = path if is_file(path) else path / f"{name}.parquet"
    old = path if is_file(path) and keep and path.exists() else None
    aside = not is_file(path) and not keep and path.is_dir()
    folder = path.with_name(f".{path.name}.new") if aside else target.parent
    partial = folder / f".{target.name}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        rows = _write_file(partial, _copied(old), tables, schema)
        os.replace(partial, folder / target.name)
        if aside:
            _swap(folder, path)
    except OSError as error:
        raise StoreError(
            f"{path}: the snapshots could not be written ({error}); what was there is untouched"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
        if aside:
            shutil.rmtree(folder, ignore_errors=True)
    return rows


def _write_file(file: Path, old: Iterable[pa.Table], new: Iterable[pa.Table], schema: pa.Schema) -> int:
    rows = 0
    with open(file, "wb") as sink, pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for table in old:
            writer.write_table(table.cast(schema))
        for table in new:
            writer.write_table(table.cast(schema))
            rows += table.num_rows
    with open(file, "rb+") as written:
        os.fsync(written.fileno())
    return rows


def _copied(old: Path | None) -> Iterable[pa.Table]:
    if old is None:
        return
    try:
        with pq.ParquetFile(old) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{old}: its rows cannot be read ({error}); {_REMEDY}") from error


def _swap(new: Path, path: Path) -> None:
    """Put a directory in another's place: two renames, so that no reader sees old and new parts together."""
    former = path.with_name(f".{path.name}.old")
    shutil.rmtree(former, ignore_errors=True)
    os.replace(path, former)
    os.replace(new, path)
    shutil.rmtree(former, ignore_errors=True)
