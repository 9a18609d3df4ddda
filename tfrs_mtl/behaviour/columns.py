"""Feast's types, as they are written in the registry, in DuckDB's and Arrow's words."""

from __future__ import annotations

import pyarrow as pa

from tfrs_mtl.errors import DataError, listing
from tfrs_mtl.schema import Column, View

_TYPES: dict[str, tuple[str, pa.DataType]] = {
    "Bool": ("BOOLEAN", pa.bool_()),
    "Int32": ("INTEGER", pa.int32()),
    "Int64": ("BIGINT", pa.int64()),
    "Float32": ("FLOAT", pa.float32()),
    "Float64": ("DOUBLE", pa.float64()),
    "String": ("VARCHAR", pa.string()),
}


def element(column: Column) -> str:
    """Return Feast's name of one value's type: ``Float32`` of ``Array(Float32)``."""
    text = column.dtype.text
    name = text[len("Array(") : -1] if text.startswith("Array(") else text
    if name not in _TYPES:
        raise DataError(
            f"field {column.name!r} is {text}; behaviour features are {listing(_TYPES)} or Array of these"
        )
    return name


def duckdb_type(column: Column) -> str:
    """Return the DuckDB type of one value of a column."""
    return _TYPES[element(column)][0]


def arrow_type(column: Column) -> pa.DataType:
    """Return the Arrow type of a column."""
    value = _TYPES[element(column)][1]
    return pa.list_(value) if column.dtype.is_list else value


def arrow_schema(view: View) -> pa.Schema:
    """Return the schema of a view's parquet: the names of its source, times in microseconds UTC."""
    source = view.source
    times = [source.timestamp, *([source.created] if source.created else [])]
    return pa.schema(
        [(source.raw(c.name), arrow_type(c)) for c in view.keys]
        + [(name, pa.timestamp("us", "UTC")) for name in times]
        + [(source.raw(c.name), arrow_type(c)) for c in view.columns]
    )
