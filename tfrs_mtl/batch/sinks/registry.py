"""Which sink a target names: a new kind of target is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tfrs_mtl.batch.sinks.parquet import ParquetSink
from tfrs_mtl.batch.sinks.protocol import Sink
from tfrs_mtl.batch.sinks.sql import SqlSink
from tfrs_mtl.errors import RequestError

DEFAULT_TABLE = "recommendations"

# The first whose test holds takes the target.
_SINKS: tuple[tuple[Callable[[str], bool], Callable[[str, str], Sink]], ...] = (
    (lambda target: "://" in target, lambda target, table: SqlSink.at(target, table=table)),
    (bool, lambda target, _: ParquetSink(Path(target))),
)


def open_sink(target: str, *, table: str = DEFAULT_TABLE) -> Sink:
    """Return the sink of a target: a database URL (``sqlite:///x.db``) or the path of a parquet file.

    Args:
        target: where to write; a URL has ``://`` in it.
        table: the table's name, where the target is a database; ``schema.table`` is understood.

    Raises:
        RequestError: the target is empty, or a URL that cannot be served.
    """
    for claims, opened in _SINKS:
        if claims(target):
            return opened(target, table)
    raise RequestError("expected a database URL or the path of a parquet file to write to, got nothing")
