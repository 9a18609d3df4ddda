"""Queries as the models see them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.dataset.examples import Arrays
from tfrs_mtl.dataset.frames import QUERY_ID, Frame


@dataclass(frozen=True)
class EncodedQueries:
    """Queries for one scorer: its models and its items; made once, for retrieval and ranking.

    Attributes:
        frame: what they were made from, [n].
        arrays: the encoded features, [n, ...].
        own: rows of the items that each query met before, [n, most], -1 for none; a row may come twice.
    """

    frame: Frame
    arrays: Arrays
    own: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.frame)

    def slice(self, start: int, length: int) -> EncodedQueries:
        """Return a stretch of queries, sharing memory."""
        if start == 0 and length >= len(self):
            return self
        part = slice(start, start + length)
        arrays = {name: array[part] for name, array in self.arrays.items()}
        return EncodedQueries(self.frame.slice(start, length), arrays, self.own[part])


def filled(queries: Frame) -> NDArray[np.bool_]:
    """Say of each query whether any feature of it has a value, [n]."""
    found = np.zeros(len(queries), np.bool_)
    for name, column in queries.columns.items():
        if found.all():
            break
        if name != QUERY_ID and column.null_count < len(column):
            found |= column.is_valid().to_numpy(zero_copy_only=False)
    return found
