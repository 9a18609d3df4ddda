"""How a recommender is doing: what it answers from, and what it has counted since it was loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from serving.answer import Answer, Versions


@dataclass(frozen=True)
class Status:
    """The state of a recommender at a moment.

    Attributes:
        versions: what it answers from.
        at: the moment as of which the items are.
        age: how old that is.
        counts: what happened so far: ``answers``, ``refreshes``, ``refresh_failures``, ``swaps``,
            ``swap_failures``, ``logged``, ``log_dropped``, ``log_failures``, ``degraded.<reason>`` for each
            reason of an answer, ``events.<what became of it>`` for each event;
            ``shadowed``, ``shadow_items``, ``shadow_common``, ``shadow_dropped``, ``shadow_failures``,
            ``shadow_log_dropped``, ``shadow_log_failures``.
    """

    versions: Versions
    at: datetime
    age: timedelta
    counts: Mapping[str, int]

    @property
    def bundle(self) -> str:
        """Id of the bundle."""
        return self.versions.bundle

    @property
    def snapshot(self) -> str:
        """Version of the item snapshot."""
        return self.versions.snapshot

    @property
    def snapshot_age(self) -> float:
        """Age of the items in seconds."""
        return self.age.total_seconds()


class Counters:
    """Counts by name, from many threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def add(self, *names: str) -> None:
        """Count one more of each name."""
        with self._lock:
            self._counts.update(names)

    def add_all(self, amounts: Mapping[str, int]) -> None:
        """Count more of each name, by its amount."""
        with self._lock:
            self._counts.update(amounts)

    def answered(self, answers: Sequence[Answer]) -> None:
        """Count answers, and why they were less than they could be."""
        self.add(*("answers" for _ in answers), *(f"degraded.{d}" for a in answers for d in a.degraded))

    def snapshot(self) -> dict[str, int]:
        """Return the counts so far."""
        with self._lock:
            return dict(self._counts)
