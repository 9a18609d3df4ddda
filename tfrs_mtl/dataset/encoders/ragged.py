"""Lists of any length to a padded matrix, without a loop over rows."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


def cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a column in another type; Arrow takes its time even where the type is the same."""
    return column if column.type == kind else column.cast(kind, safe=False)


def lengths_of(column: pa.ListArray) -> NDArray[np.int64]:
    """Return the length of each list, 0 for null, [n]."""
    lengths: NDArray[np.int64] = np.diff(column.offsets.to_numpy()).astype(np.int64)
    if column.null_count:
        lengths[column.is_null().to_numpy(zero_copy_only=False)] = 0
    return lengths


def floats_of(column: pa.ListArray) -> NDArray[np.float32]:
    """Return the flattened values, NaN for null."""
    flat = cast(column.flatten(), pa.float32())
    return np.asarray(flat.to_numpy(zero_copy_only=False), np.float32)


def padded(flat: NDArray[Scalar], lengths: NDArray[np.int64], width: int, fill: float) -> NDArray[Scalar]:
    """Lay flattened lists out as [n, width]: the first ``width`` of each, the rest filled."""
    matrix = np.full((len(lengths), width), fill, flat.dtype)
    starts = np.cumsum(lengths) - lengths
    columns = np.arange(len(flat)) - np.repeat(starts, lengths)
    kept = columns < width
    rows = np.repeat(np.arange(len(lengths)), lengths)
    matrix[rows[kept], columns[kept]] = flat[kept]
    return matrix
