"""What every candidate source can do."""

from __future__ import annotations

from typing import Protocol

from serving.request import Limits
from serving.state import State
from tfrs_mtl.index import Found
from tfrs_mtl.scoring import EncodedQueries


class Source(Protocol):
    """Names items that may suit a query."""

    def __call__(self, state: State, queries: EncodedQueries, quota: int, limits: Limits) -> Found:
        """Return at most about ``quota`` rows a query, [n, c], all of them within the limits.

        A row may come twice; -1 where there is none. The scores compare items of this source alone, and are
        NaN where it has none.
        """
        ...
