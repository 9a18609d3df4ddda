"""The retrieval model's rows: the positive pairs of a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.dataset.negatives import Past
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


def retrieval_rows(
    shop: Shop, window: Window, *, seed: int, repeats: float = 1.0, sample: int | None = None
) -> RetrievalRows:
    """Return a window's positive pairs.

    Args:
        seed: of what is drawn.
        repeats: the share kept of the pairs whose query met the item at an earlier time.
        sample: keep at most so many of what is left.
    """
    past, rng = shop.past, np.random.default_rng(seed)
    start = -(2**62) if window.start is None else window.start
    kept = np.flatnonzero((past.times >= start) & (past.times < window.end))
    if repeats < 1:
        kept = kept[~_is_repeat(past)[kept] | (rng.random(len(kept)) < repeats)]
    if sample is not None and len(kept) > sample:
        kept = np.sort(rng.choice(kept, sample, replace=False))
    table = np.stack([past.times[kept], past.queries[kept], past.items[kept]], axis=1)
    times, queries, items = np.unique(table, axis=0).T if len(kept) else table.T
    share = np.bincount(items, minlength=len(shop.items)) / max(len(items), 1)
    return RetrievalRows(queries, items, times, np.log(share[items]).astype(np.float32))


def _is_repeat(past: Past) -> NDArray[np.bool_]:
    """Say of each positive whether its query met its item at an earlier time, [n]."""
    order = np.lexsort((past.times, past.items, past.queries))
    queries, items, times = past.queries[order], past.items[order], past.times[order]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (queries[1:] != queries[:-1]) | (items[1:] != items[:-1])
    first = times[begins][np.cumsum(begins) - 1]
    repeat = np.empty(len(order), np.bool_)
    repeat[order] = times > first
    return repeat
