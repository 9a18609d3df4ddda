"""Lists of any length to a padded matrix, without a loop over rows."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


def lengths_of(column: pa.ListArray) -> NDArray[np.int64]:
    """Return the length of each list, 0 for null, [n]."""
    return np.asarray(pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False), np.int64)


def floats_of(column: pa.ListArray) -> NDArray[np.float32]:
    """Return the flattened values, NaN for null."""
    flat = column.flatten().cast(pa.float32(), safe=False)
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
