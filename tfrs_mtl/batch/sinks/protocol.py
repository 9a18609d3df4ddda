"""What every sink can do, and the two columns that it relies on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from tfrs_mtl.errors import DataError, listing

RUN_ID = "run_id"
"""The column that names the run; a sink replaces the rows of an earlier run of the same id."""

QUERY = "query"
"""The column that a backend looks recommendations up by."""

Batches = Iterable[pa.RecordBatch | pa.Table]
"""Recommendations, best first within a query, in as many pieces as they come."""

_PIECE = 50_000


class Written(NamedTuple):
    """What a run wrote; ``target`` names the place without credentials."""

    rows: int
    target: str


class Sink(Protocol):
    """Takes the recommendations of one run: all of them or none."""

    def write(self, batches: Batches, *, schema: pa.Schema, run_id: str) -> Written:
        """Write one run; the same run id again replaces what it wrote before.

        Args:
            batches: consumed once, in pieces, so that a run need not fit into memory.
            schema: the columns of every batch, ``run_id`` and ``query`` among them.
            run_id: the value of that column in every row.

        Raises:
            DataError: the target holds something else, or a batch is not what ``schema`` and ``run_id`` say.
            StoreError: the disk or the database failed. In every case, also when ``batches`` itself
                raises, the target is as it was before.
        """
        ...


def require_columns(schema: pa.Schema) -> None:
    """Check that the columns are there that every sink relies on (DataError)."""
    missing = {RUN_ID, QUERY} - set(schema.names)
    if missing:
        raise DataError(
            f"batch results lack the columns {listing(missing)}; they have {listing(schema.names)}"
        )


def pieces(batches: Batches, *, schema: pa.Schema, run_id: str) -> Iterator[pa.Table]:
    """Yield the batches, checked, regrouped into tables of about 50,000 rows (the last may be shorter)."""
    waiting: list[pa.Table] = []
    for batch in batches:
        table = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
        _check(table, schema, run_id)
        waiting.append(table)
        if sum(map(len, waiting)) >= _PIECE:
            whole = pa.concat_tables(waiting)
            full = len(whole) - len(whole) % _PIECE
            for start in range(0, full, _PIECE):
                yield whole.slice(start, _PIECE)
            waiting = [whole.slice(full)]
    rest = pa.concat_tables(waiting) if waiting else schema.empty_table()
    if len(rest):
        yield rest


def _check(table: pa.Table, schema: pa.Schema, run_id: str) -> None:
    if not table.schema.equals(schema):
        raise DataError(f"expected batches of the columns:\n{schema}\ngot:\n{table.schema}")
    if not pc.all(pc.equal(table.column(RUN_ID), run_id), skip_nulls=False, min_count=0).as_py():
        found = {str(value) for value in pc.unique(table.column(RUN_ID)).to_pylist()}
        raise DataError(f"expected the run id {run_id!r} in every row, got {listing(found)}")
