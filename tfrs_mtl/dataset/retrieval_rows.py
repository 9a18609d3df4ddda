"""The retrieval model's rows: the positive pairs of a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.dataset.windows import Window

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class RetrievalRows:
    """n positive pairs, each (query, item, time) once.

    Attributes:
        queries, items: codes, [n].
        times: microseconds, [n].
        log_probability: float32 [n], log of the item's share of the rows: how often it meets a batch.
    """

    queries: Ints
    items: Ints
    times: Ints
    log_probability: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.times)


def retrieval_rows(shop: Shop, window: Window, *, seed: int, sample: int | None = None) -> RetrievalRows:
    """Return a window's positive pairs; ``sample`` keeps at most so many, drawn with the seed."""
    past = shop.past
    start = -(2**62) if window.start is None else window.start
    kept = np.flatnonzero((past.times >= start) & (past.times < window.end))
    if sample is not None and len(kept) > sample:
        kept = np.sort(np.random.default_rng(seed).choice(kept, sample, replace=False))
    table = np.stack([past.times[kept], past.queries[kept], past.items[kept]], axis=1)
    times, queries, items = np.unique(table, axis=0).T if len(kept) else table.T
    share = np.bincount(items, minlength=len(shop.items)) / max(len(items), 1)
    return RetrievalRows(queries, items, times, np.log(share[items]).astype(np.float32))
