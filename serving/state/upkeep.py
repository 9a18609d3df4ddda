"""A thread that keeps a recommender fresh: the items read anew, the current bundle followed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from typing import Protocol

from serving.state.state import State
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.errors import TfrsMtlError

_LOG = logging.getLogger(__name__)
_LONGEST_SLEEP = 1.0


class Kept(Protocol):
    """What is kept fresh."""

    @property
    def state(self) -> State:
        """What is answered from now."""
        ...

    def refresh(self) -> str:
        """Read the items anew."""
        ...

    def swap(self) -> str:
        """Load the current bundle."""
        ...


class Upkeep:
    """Does what the spec asks for at its times. What fails is logged and tried again at the next."""

    def __init__(self, recommender: Kept) -> None:
        self._recommender = recommender
        self._stopped = Event()
        self._next_refresh = self._next_follow = 0.0
        self._thread = Thread(target=self._run, name="tfrs-mtl-upkeep", daemon=True)

    def start(self) -> None:
        """Begin; the first refresh is due at once."""
        self._thread.start()

    def stop(self) -> None:
        """End; a refresh under way is not waited for."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            settings, now = self._recommender.state.settings, time.monotonic()
            if settings.follow is not None and now >= self._next_follow:
                self._next_follow = now + settings.follow.total_seconds()
                self._attempt(self._follow)
            if settings.refresh is not None and now >= self._next_refresh:
                self._next_refresh = now + settings.refresh.total_seconds()
                self._attempt(self._recommender.refresh)
            self._stopped.wait(_pause(settings.follow, settings.refresh))

    def _follow(self) -> str:
        state = self._recommender.state
        if BundleStore(state.project.bundles).current in (None, state.bundle):
            return state.bundle
        self._next_refresh = 0.0  # a bundle brings the items as they were when it was made
        return self._recommender.swap()

    def _attempt(self, work: Callable[[], str]) -> None:
        try:
            work()
        except TfrsMtlError as error:
            _LOG.warning("serving goes on with what it has: %s", error)


def _pause(*spans: timedelta | None) -> float:
    return min([_LONGEST_SLEEP, *(span.total_seconds() for span in spans if span is not None)])
