"""Recommendations as one parquet file, renamed into place when it is whole."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tfrs_mtl.batch.sinks.protocol import Batches, Written, pieces, require_columns
from tfrs_mtl.bundle.files import sync
from tfrs_mtl.errors import DataError, StoreError

_WRITING = ".writing"
_OLD_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class ParquetSink:
    """Replaces one parquet file by the run's; the file holds the latest run alone."""

    path: Path

    def write(self, batches: Batches, *, schema: pa.Schema, run_id: str) -> Written:
        """Write one run; see ``Sink.write``."""
        require_columns(schema)
        if self.path.is_dir():
            raise DataError(f"{self.path}: expected the path of a parquet file, found a directory")
        rows = 0
        with _replacing(self.path) as temporary, _writer(temporary, schema) as writer:
            for piece in pieces(batches, schema=schema, run_id=run_id):
                with _disk(self.path):
                    writer.write_table(piece, row_group_size=len(piece))
                rows += len(piece)
        return Written(rows, str(self.path))


@contextmanager
def _writer(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    with _disk(path):
        writer = pq.ParquetWriter(path, schema, compression="zstd")
    try:
        yield writer
    finally:
        with _disk(path):
            writer.close()


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` that takes its place in one rename when the block ends well."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_WRITING}")
    try:
        with _disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _sweep(path)
        yield temporary
        with _disk(path):
            sync(temporary)
            os.replace(temporary, path)
            sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove what killed runs left behind, once no run can still be writing it."""
    for left in path.parent.glob(f".{path.name}.*{_WRITING}"):
        if time.time() - left.stat().st_mtime > _OLD_SECONDS:
            left.unlink(missing_ok=True)


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: could not be written: {error}; it is as it was") from error
