"""A query's own past with single items: how often, how lately, and in what rhythm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

WIDTH = 5


@dataclass(frozen=True)
class OwnPast:
    """The pairs of a query and an item that its histories hold, ascending.

    Attributes:
        keys: query row * items + item row, [pairs].
        facts: float32 [pairs, 5]; see ``own_past``.
        items: how many item rows there are.
    """

    keys: Ints
    facts: Floats
    items: int

    def of(self, query_rows: Ints, item_rows: Ints) -> Floats:
        """Return the facts of n pairs, [n, 5]; zeros for those that the histories do not hold."""
        if not len(self.keys):
            return np.zeros((len(query_rows), WIDTH), np.float32)
        wanted = query_rows * self.items + item_rows
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        found = (self.keys[at] == wanted)[:, None]
        return np.where(found, self.facts[at], np.float32(0))


def own_past(query_rows: Ints, item_rows: Ints, ages: Floats, *, items: int) -> OwnPast:
    """Gather events (query row, item row, age in days; NaN where unknown), [n] each, by pair.

    The facts: log(1 + count); log(1 + age) of the youngest and of the oldest; log(1 + gap), the mean time
    between two of them; and log(1 + youngest / gap): 0.7 is the very day on which the next is due. Zeros
    where an age or a second event is missing.
    """
    keys = query_rows * np.int64(items) + item_rows
    order = np.lexsort((ages, keys))  # NaN comes last
    pairs, starts, counts = np.unique(keys[order], return_index=True, return_counts=True)
    known = np.isfinite(ages)
    dated = np.bincount(np.searchsorted(pairs, keys[known]), minlength=len(pairs))
    ordered = ages[order].astype(np.float64)
    last = np.minimum(starts + np.maximum(dated - 1, 0), max(len(ordered) - 1, 0))
    youngest = np.where(dated > 0, ordered[starts], 0.0).clip(0)
    oldest = np.where(dated > 0, ordered[last], 0.0).clip(0)
    gap = (oldest - youngest) / np.maximum(dated - 1, 1)
    due = np.where(gap > 0, youngest / np.maximum(gap, 1e-9), 0.0)
    facts = np.log1p(np.stack([counts, youngest, oldest, gap, np.minimum(due, 1e4)], axis=1))
    return OwnPast(pairs, facts.astype(np.float32), items)
