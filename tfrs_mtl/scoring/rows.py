"""Rows of items, a line a query, without doubles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]
"""Rows of the item snapshot, [n, any]; -1 for none."""


def merged(parts: Sequence[Rows], items: int) -> Rows:
    """Lay rows [n, each] side by side, and blank with -1 what a query has already."""
    rows = np.hstack(parts)
    codes = np.arange(len(rows), dtype=np.int64)[:, None] * items + rows
    codes[rows < 0] = -1
    first = np.zeros(codes.size, np.bool_)
    first[np.unique(codes, return_index=True)[1]] = True
    return np.where(first.reshape(codes.shape) & (rows >= 0), rows, np.int32(-1))
