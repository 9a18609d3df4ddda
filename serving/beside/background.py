"""Work beside the requests: a thread that takes what they hand it, and never makes one wait."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Generic, TypeVar

from serving.status import Counters
from tfrs_mtl.errors import TfrsMtlError

_LOG = logging.getLogger(__name__)
_LAST_WORK = 5.0

T = TypeVar("T")


class Background(Generic[T]):
    """A bounded queue and the thread that empties it; the thread starts with the first piece of work.

    What finds the queue full is dropped, what fails is given up; both are counted, as ``<name>_dropped`` and
    ``<name>_failures``.
    """

    def __init__(
        self, name: str, work: Callable[[Sequence[T]], None], counters: Counters, *, room: int
    ) -> None:
        self._name = name
        self._work = work
        self._counters = counters
        self._room = room
        self._waiting: list[T] = []
        self._changed = Condition()
        self._closed = False
        self._thread: Thread | None = None

    def offer(self, piece: T, *, gather: float = 0.0) -> None:
        """Hand over a piece of work and return at once.

        Args:
            gather: seconds within which pieces may be gathered into one batch.
        """
        with self._changed:
            if self._closed or len(self._waiting) >= self._room:
                self._counters.add(f"{self._name}_dropped")
                return
            self._waiting.append(piece)
            self._gather = gather
            if self._thread is None:
                self._thread = Thread(target=self._run, name=f"tfrs-mtl-{self._name}", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Take nothing more; wait a few seconds for the work that was taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_LAST_WORK)

    def _run(self) -> None:
        while batch := self._next():
            try:
                self._work(batch)
            except TfrsMtlError as error:
                self._failed("%s", error)
            except Exception as error:  # a thread that died would drop everything from then on
                self._failed("%r", error)

    def _next(self) -> list[T]:
        """Return the next batch; nothing once closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._gather:
                self._changed.wait_for(self._is_due, timeout=self._gather)
            batch, self._waiting = self._waiting, []
            return batch

    def _is_due(self) -> bool:
        return self._closed or 2 * len(self._waiting) >= self._room

    def _failed(self, message: str, error: Exception) -> None:
        self._counters.add(f"{self._name}_failures")
        _LOG.warning(f"tfrs-mtl {self._name}: {message}", error)
