"""Whether an answer mixes versions."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np

from serving import Answer

KEPT = 4


class Judge:
    """Says of answers whether they mix versions.

    The same bundle and snapshot must show the same values of an item, and score it the same for a query of
    which nothing is read.

    Args:
        catalogues: bundle -> keys of its items.
        queries_are_still: whether nothing is read of a query.
    """

    def __init__(self, catalogues: dict[str, frozenset[Any]], *, queries_are_still: bool) -> None:
        self._catalogues = catalogues
        self._still = queries_are_still
        self._seen: OrderedDict[Any, dict[Any, Any]] = OrderedDict()
        self._lock = Lock()

    def is_mixed(self, answer: Answer) -> bool:
        """Say so of one answer, and keep what it shows."""
        if not {item.item for item in answer.items} <= self._catalogues[answer.versions.bundle]:
            return True
        shown = {item.item: tuple(map(str, item.display.values())) for item in answer.items}
        scored = {(answer.query, item.item): item.score for item in answer.items} if self._still else {}
        with self._lock:
            seen = self._seen.setdefault((answer.versions.bundle, answer.versions.snapshot), {})
            while len(self._seen) > KEPT:
                self._seen.popitem(last=False)
            return any(
                seen.setdefault(key, value) != value and not np.allclose(seen[key], value, rtol=1e-5)
                if isinstance(value, float)
                else seen.setdefault(key, value) != value
                for key, value in {**shown, **scored}.items()
            )
