"""What a comparison of both paths found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from serving.skew.compare import Difference


@dataclass(frozen=True)
class Report:
    """What was compared, and what differed.

    Attributes:
        bundle: whose preprocessing makes the models' inputs.
        at: the moment as of which both paths were asked.
        queries, items, pairs: how many rows of each.
        items_at: the moment of the items.
        items_from: where a request takes the items from: the bundle's snapshot, or a refresh from the store.
        differences: empty where both paths agree.
        unlogged: features that a replayed log does not hold, so that they are not compared.
    """

    bundle: str
    at: datetime
    queries: int
    items: int
    pairs: int
    items_at: datetime
    items_from: str
    differences: tuple[Difference, ...]
    unlogged: tuple[str, ...] = ()
