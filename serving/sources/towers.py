"""The best of the two towers."""

from __future__ import annotations

from serving.limits import Limits
from serving.reading import Asked
from serving.state import State
from tfrs_mtl.index import Found


def towers(state: State, asked: Asked, quota: int, limits: Limits) -> Found:
    """Return the nearest items to each query's vector; scores are dot products."""
    return state.scorer.search(asked.queries, quota, allowed=limits.allowed, excluded=limits.excluded)
