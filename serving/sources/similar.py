"""Items similar to those that a query met last."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from serving.request import Limits
from serving.state import State
from tfrs_mtl.index import Found
from tfrs_mtl.scoring import EncodedQueries

_SEEDS = 5
Scalar = TypeVar("Scalar", bound=np.generic)


def similar(state: State, queries: EncodedQueries, quota: int, limits: Limits) -> Found:
    """Return what is nearest to each of the last few that a query met, in turns; scores are dot products."""
    seeds = queries.own[:, :_SEEDS]
    count = seeds.shape[1]
    if not count or not state.size:
        return Found(np.empty((len(queries), 0), np.int32), np.empty((len(queries), 0), np.float32))
    vectors = state.vectors(np.maximum(seeds, 0).ravel())
    each = min(-(-quota // count) + 1, state.size)  # one more: an item is nearest to itself
    found = state.items.index.search(vectors, each, allowed=limits.allowed)
    rows = np.where(seeds.reshape(-1, 1) >= 0, found.rows, -1)
    kept = limits.kept(_in_turns(rows.astype(np.int32), len(queries)), state.size)
    return Found(kept, _in_turns(found.scores, len(queries)))


def _in_turns(found: NDArray[Scalar], queries: int) -> NDArray[Scalar]:
    """Lay [queries * seeds, each] out as [queries, each * seeds]: every seed's best first."""
    return found.reshape(queries, -1, found.shape[1]).transpose(0, 2, 1).reshape(queries, -1)
