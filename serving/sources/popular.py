"""What everybody meets."""

from __future__ import annotations

import numpy as np

from serving.request import Limits
from serving.state import State
from tfrs_mtl.index import Found
from tfrs_mtl.scoring import EncodedQueries


def popular(state: State, queries: EncodedQueries, quota: int, limits: Limits) -> Found:
    """Return the most popular items, the same to each query but for its limits; scores are popularity."""
    order = state.popular if limits.allowed is None else state.popular[limits.allowed[state.popular]]
    spare = 0 if limits.excluded is None else int(np.diff(limits.excluded.indptr).max(initial=0))
    rows = limits.kept(np.tile(order[: quota + spare], (len(queries), 1)), state.size)
    return Found(rows, state.contents.popularity[rows])
