"""The best of the two towers."""

from __future__ import annotations

import numpy as np

from serving.request import Limits
from serving.state import State
from tfrs_mtl.index import Found
from tfrs_mtl.scoring import EncodedQueries


def towers(state: State, queries: EncodedQueries, quota: int, limits: Limits) -> Found:
    """Return the nearest items to each query's vector; scores are dot products.

    Where a mixer gives candidates of all sources one order, they are its best, without scores.
    """
    if state.scorer.mixes:
        rows = state.scorer.mixed(queries, quota, allowed=limits.allowed, excluded=limits.excluded)
        return Found(rows, np.full(rows.shape, np.nan, np.float32))
    return state.scorer.search(queries, quota, allowed=limits.allowed, excluded=limits.excluded)
