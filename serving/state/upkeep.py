"""A thread that keeps a recommender fresh: the items read anew, the current bundle followed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Protocol

from serving.state.state import State
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.errors import TfrsMtlError

Materialised = Mapping[str, tuple[tuple[datetime, datetime], ...]]
"""View -> the spans that it was materialised for."""

_LOG = logging.getLogger(__name__)
_LONGEST_SLEEP = 1.0
_LOOK = 5.0
"""Seconds between two looks at the registry, whether the items were materialised."""


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
    """Does what the spec asks for at its times; the items are read anew after a materialisation, too.

    What fails is logged and tried again at the next time, after a materialisation at the next look.
    """

    def __init__(self, recommender: Kept) -> None:
        self._recommender = recommender
        self._stopped = Event()
        self._next_refresh = self._next_follow = self._next_look = 0.0
        self._materialised: Materialised = {}
        self._read: Materialised = {}  # what was materialised when the items were read
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
            if settings.refresh is not None:
                self._keep_items(now, every=settings.refresh.total_seconds())
            self._stopped.wait(_pause(settings.follow, settings.refresh))

    def _keep_items(self, now: float, *, every: float) -> None:
        """Read the items anew where it is time for that, or where any were materialised since."""
        is_time = now >= self._next_refresh
        if not is_time and now < self._next_look:
            return
        self._next_look = now + _LOOK
        self._attempt(self._look)
        found = self._materialised  # as of before the read: what comes meanwhile is read next time
        if is_time or found != self._read:
            self._next_refresh = now + every
            if self._attempt(self._recommender.refresh):
                self._read = found

    def _look(self) -> None:
        state = self._recommender.state
        self._materialised = state.project.repo.materialisations(state.schema.item)

    def _follow(self) -> str:
        state = self._recommender.state
        if BundleStore(state.project.bundles).current in (None, state.bundle):
            return state.bundle
        self._next_refresh = 0.0  # a bundle brings the items as they were when it was made
        return self._recommender.swap()

    def _attempt(self, work: Callable[[], object]) -> bool:
        """Say whether it succeeded."""
        try:
            work()
        except TfrsMtlError as error:
            _LOG.warning("serving goes on with what it has: %s", error)
            return False
        return True


def _pause(*spans: timedelta | None) -> float:
    return min([_LONGEST_SLEEP, *(span.total_seconds() for span in spans if span is not None)])
