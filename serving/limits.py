"""Which items a request may get: what retrieval is told, and what other sources obey."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.index import Excluded


@dataclass(frozen=True)
class Limits:
    """What may come.

    Attributes:
        allowed: true where an item may come to any query, [items]; None where all may.
        excluded: rows that must not come to one query.
    """

    allowed: NDArray[np.bool_] | None = None
    excluded: Excluded | None = None

    def kept(self, rows: NDArray[np.int32], items: int) -> NDArray[np.int32]:
        """Blank with -1 the rows [n, c] that may not come."""
        held = rows >= 0
        if self.allowed is not None:
            held = held & self.allowed[rows]
        if self.excluded is not None:
            owners = np.arange(len(rows), dtype=np.int64) * items
            barred = np.repeat(owners, np.diff(self.excluded.indptr)) + self.excluded.rows
            held = held & ~np.isin(owners[:, None] + rows, barred)
        return np.where(held, rows, -1).astype(np.int32)


def same_for_all(rows: NDArray[np.int32], queries: int) -> Excluded | None:
    """Return the same excluded rows for each of the queries; None where there is none."""
    found = rows[rows >= 0]
    if not len(found):
        return None
    return Excluded(np.arange(queries + 1) * len(found), np.tile(found, queries))
