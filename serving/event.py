"""What a shop tells a recommender of its queries: that one met an item, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from serving.answer import Key, Value

Recorded = Literal["fresh", "known", "uncounted", "store_unavailable", "store_timeout"]
"""What became of an event.

``fresh``: the online store holds it, and the next request sees it. ``known``: it was held already, or is
older than all that a history has room for. ``uncounted``: no history counts such an event.
``store_unavailable``: the store failed; tell the event again, what was done of it is not done twice.
``store_timeout``: it took longer than ``serving.record_deadline``; tell it again, too. What still runs may be
done all the same, which the histories take once; interactions that were being kept may then be there twice.
"""


@dataclass(frozen=True)
class Event:
    """One interaction of a query with an item.

    Attributes:
        at: when it happened; None for now.
        values: columns of the interactions view, by name; what is left out is null.
    """

    query: Key
    item: Key
    at: datetime | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
