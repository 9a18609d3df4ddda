"""Where the routes get their recommender: given, or loaded when the process starts."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from anyio import to_thread
from fastapi import HTTPException

from serving.http.settings import HttpSettings

if TYPE_CHECKING:
    from serving.recommender import Recommender


class Source:
    """Holds a recommender for the routes; one that it loaded itself it closes again.

    A process that forks must load after the fork, since neither TensorFlow nor Feast survives one: so a
    loader is called in the lifespan of the application, never when it is made.
    """

    def __init__(self, given: Recommender | Callable[[], Recommender]) -> None:
        self._load = given if callable(given) else None
        self._held = None if callable(given) else given
        self._lock = threading.Lock()

    @property
    def held(self) -> Recommender | None:
        """The recommender, once there is one."""
        return self._held

    def get(self) -> Recommender:
        """Return the recommender; answers 503 as long as there is none."""
        if self._held is None:
            raise HTTPException(
                503, "no bundle is loaded yet; if that stays so, the application's lifespan is not run"
            )
        return self._held

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncIterator[None]:
        """Load where a loader was given, off the event loop; close at the end what was loaded."""
        if self._load is None:
            yield
            return
        self._held = await to_thread.run_sync(self._load)
        try:
            yield
        finally:
            held, self._held = self._held, None
            await to_thread.run_sync(held.close)


def loader(settings: HttpSettings) -> Callable[[], Recommender]:
    """Return what loads the recommender that the settings name."""

    def load() -> Recommender:
        from serving.recommender import Recommender

        return Recommender.load(
            settings.repo, bundle=settings.bundle, spec=settings.spec, artefacts=settings.artefacts
        )

    return load
