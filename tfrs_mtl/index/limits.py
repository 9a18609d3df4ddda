"""What may not be found, taken out of what was."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.index.protocol import Excluded


def kept(
    rows: NDArray[np.integer[Any]],
    items: int,
    *,
    allowed: NDArray[np.bool_] | None,
    excluded: Excluded | None,
) -> NDArray[np.int32]:
    """Return rows [n, c] without what is not allowed or excluded (-1); see ``Index.search``."""
    held = rows >= 0
    if allowed is not None:
        held = held & allowed[rows]
    if excluded is not None:
        owners = np.arange(len(rows), dtype=np.int64) * items
        barred = np.repeat(owners, np.diff(excluded.indptr)) + excluded.rows
        held = held & ~np.isin(owners[:, None] + rows, barred)
    return np.where(held, rows, -1).astype(np.int32)
