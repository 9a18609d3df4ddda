"""Batch results as the stages hand them to a sink, for the tests of this directory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import pyarrow as pa

CREATED = datetime(2026, 11, 24, 6, 30, 0, 123456, tzinfo=timezone.utc)


def schema_of(key: pa.DataType) -> pa.Schema:
    """Return the columns of a run whose queries have keys of one type, and whose items are strings."""
    return pa.schema(
        [
            ("run_id", pa.string()),
            ("created", pa.timestamp("us", tz="UTC")),
            ("query", key),
            ("rank", pa.int32()),
            ("item", pa.string()),
            ("score", pa.float32()),
            ("purchase", pa.float32()),
            ("is_new", pa.bool_()),
            ("origin", pa.string()),
            ("degraded", pa.string()),
        ]
    )


SCHEMA = schema_of(pa.int64())


def batch(
    run_id: str, *queries: int | str, key: pa.DataType | None = None, score: float = 0.5
) -> pa.RecordBatch:
    """Return two recommendations a query."""
    rows = [
        {
            "run_id": run_id,
            "created": CREATED,
            "query": query,
            "rank": rank,
            "item": item,
            "score": score - rank,
            "purchase": 0.25,
            "is_new": rank == 0,
            "origin": "index",
            "degraded": None if rank else "unknown query",
        }
        for query in queries
        for rank, item in enumerate(("pear", "Pear"))
    ]
    return pa.RecordBatch.from_pylist(rows, schema=schema_of(key or pa.int64()))


def breaking(*batches: pa.RecordBatch, error: BaseException) -> Iterator[pa.RecordBatch]:
    """Yield the batches, then raise."""
    yield from batches
    raise error
