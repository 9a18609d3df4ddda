"""Feast's types as ours, and ours as Arrow's: what a column is, whichever engine it came through."""

from __future__ import annotations

from functools import cache

import pyarrow as pa
import pyarrow.compute as pc
from feast.types import Array, ComplexFeastType, FeastType, PrimitiveFeastType

from tfrs_mtl.errors import DataError
from tfrs_mtl.schema import Column, DType
from tfrs_mtl.schema.catalogue import Base

_BASES: dict[PrimitiveFeastType, Base] = {
    PrimitiveFeastType.STRING: "string",
    PrimitiveFeastType.UUID: "string",
    PrimitiveFeastType.INT32: "int",
    PrimitiveFeastType.INT64: "int",
    PrimitiveFeastType.FLOAT32: "float",
    PrimitiveFeastType.FLOAT64: "float",
    PrimitiveFeastType.BOOL: "bool",
    PrimitiveFeastType.UNIX_TIMESTAMP: "timestamp",
}
_ARROW = {
    "int": pa.int64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
MOMENT = pa.timestamp("us", tz="UTC")
"""The Arrow type of every event time: microseconds, UTC."""


def to_dtype(feast_type: FeastType) -> DType:
    """Translate a Feast type; whatever we cannot use becomes ``unsupported`` and keeps its name."""
    if isinstance(feast_type, PrimitiveFeastType):
        text = feast_type.name.title().replace("_", "")
        return DType(_BASES.get(feast_type, "unsupported"), False, text)
    if isinstance(feast_type, Array) and isinstance(feast_type.base_type, PrimitiveFeastType):
        inner = to_dtype(feast_type.base_type)
        return DType(inner.base, True, f"Array({inner.text})")
    assert isinstance(feast_type, ComplexFeastType)
    return DType("unsupported", False, type(feast_type).__name__)


@cache
def arrow_type(dtype: DType) -> pa.DataType:
    """Return the Arrow type in which a column of this type is held, the same for every engine."""
    base = _ARROW.get(dtype.base) or (pa.float32() if "32" in dtype.text else pa.float64())
    return pa.list_(base) if dtype.is_list else base


def conform(table: pa.Table, columns: list[tuple[str, Column]], *, origin: str) -> pa.Table:
    """Select and cast ``(name in table, column)`` pairs; the result has the names of the table.

    Raises:
        DataError: a column holds values that its registered type cannot hold.
    """
    arrays = []
    for name, column in columns:
        try:
            arrays.append(_cast(table.column(name), arrow_type(column.dtype)))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"{origin}: column {name!r} is registered as {column.dtype.text}, but holds "
                f"{table.schema.field(name).type}: {error}"
            ) from error
    return pa.table(arrays, names=[name for name, _ in columns])


def whole_seconds(array: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Cut moments to whole seconds: online, Feast keeps no more of a feature."""
    cut = pc.floor_temporal(array.cast(pa.timestamp("us"), safe=False), unit="second")
    return cut.cast(MOMENT)


def _cast(array: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_timestamp(wanted) and pa.types.is_timestamp(array.type):
        return whole_seconds(array)
    if array.type == wanted:
        return array
    value = wanted.value_type if pa.types.is_list(wanted) else wanted
    # What is lost of a float's digits, or of a second, is no fault of the data.
    return array.cast(wanted, safe=not pa.types.is_floating(value) and not pa.types.is_timestamp(value))
