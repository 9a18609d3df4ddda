"""What each query was to be recommended at a moment: what it met in the window that follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.dataset.windows import Window
from tfrs_mtl.evaluation.arrays import Integers
from tfrs_mtl.evaluation.item_sets import ItemSets


@dataclass(frozen=True)
class Truth:
    """The queries of a window and what they met.

    Attributes:
        at: microseconds; features and candidates are those known by then.
        queries: codes of the queries with something to find, [q], ascending.
        relevant: what each met in the window.
        seen: what each had met before it.
    """

    at: int
    queries: Integers
    relevant: ItemSets
    seen: ItemSets

    def new_only(self) -> Truth:
        """Return the same without what a query had met before; queries left with nothing drop out."""
        owners, items = self.relevant.owners(), self.relevant.codes
        fresh = ~self.seen.contains(owners, items)
        kept = np.unique(owners[fresh])
        place = np.full(len(self.queries), -1)
        place[kept] = np.arange(len(kept))
        before = place[self.seen.owners()]
        return Truth(
            self.at,
            self.queries[kept],
            ItemSets.from_pairs(place[owners[fresh]], items[fresh], number=len(kept)),
            ItemSets.from_pairs(before[before >= 0], self.seen.codes[before >= 0], number=len(kept)),
        )


def truth_of(shop: Shop, window: Window) -> Truth:
    """Return what the queries of a window met in it, as something to predict at its start."""
    past = shop.past
    at = window.start if window.start is not None else int(past.times.min(initial=0))
    inside = (past.times >= at) & (past.times < window.end)
    queries = np.unique(past.queries[inside])
    before = (past.times < at) & np.isin(past.queries, queries)
    sets = [
        ItemSets.from_pairs(
            np.searchsorted(queries, past.queries[rows]), past.items[rows], number=len(queries)
        )
        for rows in (inside, before)
    ]
    return Truth(at, queries, *sets)
