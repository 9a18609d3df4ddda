"""One order for what several sources named, where not all of it is ranked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.scoring import merged

_DEPTH = 60  # the paper's: how little the first places differ
Rows = NDArray[np.int32]


def fused(named: Mapping[str, Rows], weights: Mapping[str, float], *, most: int, items: int) -> Rows:
    """Return at most so many rows a query, the best by weighted reciprocal rank, [n, most].

        worth(i) = sum_s w_s / (60 + place of i in s)    (Cormack, Clarke and Buettcher, SIGIR 2009)

    By place, since the sources' scores do not compare. Of equals the one of an earlier source is first.

    Args:
        named: source -> rows, best first, [n, its own width]; -1 where there is none.
        weights: source -> w_s; 1 where none is given.
        items: how many rows there are.
    """
    apart = {name: merged([rows], items) for name, rows in named.items()}  # each row once a source
    rows = np.hstack(list(apart.values()))
    worth = [_worth(found, weights.get(name, 1.0)) for name, found in apart.items()]
    codes = np.arange(len(rows), dtype=np.int64)[:, np.newaxis] * items + rows
    _, places = np.unique(codes, return_inverse=True)
    summed = np.bincount(places.ravel(), np.hstack(worth).ravel())[places.reshape(rows.shape)]
    whole = merged([rows], items)
    order = np.argsort(np.where(whole >= 0, -summed, np.inf), axis=1, kind="stable")[:, :most]
    return np.take_along_axis(whole, order, axis=1)


def _worth(rows: Rows, weight: float) -> NDArray[np.float64]:
    there = rows >= 0
    return np.where(there, weight / (_DEPTH + np.cumsum(there, axis=1)), 0.0)
