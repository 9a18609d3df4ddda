"""Work that a request waits for no longer than it may: done in threads, for what runs cannot be stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from threading import BoundedSemaphore
from typing import Any, TypeVar

_WAITING_A_THREAD = 16

T = TypeVar("T")


class Workers:
    """Threads for work that may hang or take too long; it costs a request what is left of its time, no more.

    What comes late runs on, and its result is let go. So the threads may all be taken: then work waits for
    one, and where as much waits as a store that hangs may hold, it is not begun at all.
    """

    def __init__(self, name: str, threads: int, *, waiting_a_thread: int = _WAITING_A_THREAD) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"tfrs-mtl-{name}")
        self._room = BoundedSemaphore(threads * waiting_a_thread)

    def within(self, until: float, works: Mapping[str, Callable[[], T]]) -> dict[str, T]:
        """Do some work side by side; return what is done in time, by name and in order.

        Args:
            until: by ``time.monotonic``; infinite waits for all.

        Raises:
            Exception: what the work raises in time.
        """
        begun: dict[str, Future[T]] = {}
        for name, work in works.items():
            if time.monotonic() < until and self._room.acquire(blocking=False):
                begun[name] = self._pool.submit(work)
                begun[name].add_done_callback(self._leave)
        done = {}
        for name, future in begun.items():
            try:
                done[name] = future.result(_left(until))
            except Late:
                future.cancel()
        return done

    def close(self) -> None:
        """Let go of the threads; what hangs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _leave(self, _: Future[Any]) -> None:
        self._room.release()


def _left(until: float) -> float | None:
    return None if until == float("inf") else max(until - time.monotonic(), 0.0)
