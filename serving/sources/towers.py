"""The best of the two towers."""

from __future__ import annotations

from serving.request import Limits
from serving.state import State
from tfrs_mtl.index import Found
from tfrs_mtl.scoring import EncodedQueries


def towers(state: State, queries: EncodedQueries, quota: int, limits: Limits) -> Found:
    """Return the nearest items to each query's vector; scores are dot products."""
    return state.scorer.search(queries, quota, allowed=limits.allowed, excluded=limits.excluded)
