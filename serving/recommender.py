"""A recommender in a process: its state from load to close, and what is asked of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from threading import Lock

from typing_extensions import Unpack

from serving.answer import Answer, Key
from serving.answering import answer, similar_to
from serving.beside import LogKeeper, Shadow
from serving.event import Event, Recorded
from serving.events import Recorder
from serving.log import Entry
from serving.request import Reader, Workers, read_request
from serving.state import Deployment, State, Upkeep, deploy, refreshed
from serving.status import Counters, Status
from serving.wishes import Condition, Wishes
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.errors import TfrsMtlError, UserError
from tfrs_mtl.project import Project, open_project
from tfrs_mtl.spec import load_spec

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(timezone.utc)


class Recommender:
    """Answers from one bundle and one feature repo; every request reads its queries' features once.

    Whatever the data is like, there is an answer: of a query nobody knows, what is popular; with the store
    down, what the models make of the query's id alone. Then ``degraded`` says why. All methods may be called
    from many threads. Load one per process, after any fork.
    """

    def __init__(self, live: Project, deployment: Deployment, *, clock: Clock = utc_now) -> None:
        threads = deployment.state.settings.threads
        self._live = live
        self._deployment = deployment
        self._clock = clock
        self._process = os.getpid()
        self._counters = Counters()
        self._changing = Lock()
        self._reader = Reader(threads)
        self._workers = Workers("compute", threads)
        self._log = LogKeeper(self._counters)
        self._shadow = Shadow(self._counters, self._reader)
        self._recorder = Recorder()
        self._upkeep = Upkeep(self)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="tfrs-mtl-answer")

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        bundle: str = "current",
        spec: Path | None = None,
        artefacts: Path | None = None,
        clock: Clock = utc_now,
    ) -> Recommender:
        """Load a bundle for a feature repo; make one per process.

        Args:
            path: the directory of feature_store.yaml.
            bundle: id of the bundle.
            spec: another recommender.yaml than the repo's.
            artefacts: where the bundles are; default: ``path/artefacts``.
            clock: what time it is, for requests and refreshes that do not say; of old data, another than now.

        Raises:
            BundleError: the bundle is missing, damaged, or made for another registry.
        """
        live = open_project(path, spec=spec, artefacts=artefacts)
        recommender = cls(live, deploy(live, bundle), clock=clock)
        recommender._upkeep.start()
        return recommender

    def recommend(self, query: Key, **wishes: Unpack[Wishes]) -> Answer:
        """Return the best items for one query; see ``recommend_many``."""
        (found,) = self.recommend_many((query,), **wishes)
        return found

    async def recommend_async(self, query: Key, **wishes: Unpack[Wishes]) -> Answer:
        """Return the best items for one query, off the event loop; see ``recommend_many``."""
        (found,) = await self.recommend_many_async((query,), **wishes)
        return found

    async def recommend_many_async(
        self, queries: Sequence[Key], **wishes: Unpack[Wishes]
    ) -> tuple[Answer, ...]:
        """Return the best items for each query, off the event loop; see ``recommend_many``."""
        work = partial(self.recommend_many, queries, **wishes)
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def recommend_many(self, queries: Sequence[Key], **wishes: Unpack[Wishes]) -> tuple[Answer, ...]:
        """Return the best items for each query, from one read of the online store.

        Args:
            queries: their join keys.
            wishes: ``k``, ``weights``, ``context``, ``filters``, ``exclude``, ``rules``, ``diversity``,
                ``explain``, ``at``: see ``Wishes``.

        Raises:
            RequestError: a key of another type than the registry's, or a wish without sense.
        """
        deployment, at = self._deployed(), wishes.get("at") or self._clock()
        found: dict[int, Answer] = {}
        for state, places in deployment.by_state(queries):
            request = read_request(state, [queries[place] for place in places], wishes, at=at)
            asked = self._reader.read(state, request)
            read_items = partial(self._reader.read_items, state, request)
            answers = answer(state, request, asked, read_items=read_items, workers=self._workers)
            found |= zip(places, answers, strict=True)
            self._counters.answered(answers)
            entry = Entry(state, request, asked, answers)
            self._log.offer(entry)
            self._shadow.offer(deployment.shadow, entry, wishes)
        return tuple(found[place] for place in range(len(queries)))

    def similar(
        self,
        item: Key,
        *,
        k: int | None = None,
        filters: Mapping[str, Condition] | None = None,
        exclude: Sequence[Key] = (),
        rules: Mapping[str, bool] | None = None,
        at: datetime | None = None,
    ) -> Answer:
        """Return the items nearest to one by the item tower's vectors; the score is their dot product.

        Of an item that the snapshot does not hold, what is popular. Arguments as in ``Wishes``. Boosts and
        buries hold by their factors; offsets are in the objective's unit, and pins are of a query's list.

        Raises:
            RequestError: a key of another type than the registry's, or a wish without sense.
        """
        state, wishes = self.state, Wishes(k=k, filters=filters, exclude=exclude, rules=rules)
        request = read_request(state, (), wishes, at=at or self._clock())
        read_items = partial(self._reader.read_items, state, request)
        found = similar_to(state, item, request, read_items=read_items)
        self._counters.answered((found,))
        return found

    def record(self, events: Sequence[Event]) -> tuple[Recorded, ...]:
        """Push what queries met, so that their next request sees it; return what became of each event.

        Raises:
            RequestError: ``serving.record`` is off, or an event makes no sense; then none is pushed.
        """
        found = self._recorder.record(self.state, events, now=self._clock())
        self._counters.add(*(f"events.{each}" for each in found))
        return found

    def refresh(self, *, at: datetime | None = None) -> str:
        """Read the items anew from the online store and answer from them; return the snapshot's version.

        Raises:
            StoreError: the store cannot be read; the snapshot stays.
        """
        with self._changing:
            try:
                moment = at or self._clock()
                self._deployment = self._deployment.changed(lambda state: refreshed(state, moment))
            except TfrsMtlError:
                self._counters.add("refresh_failures")
                raise
            self._counters.add("refreshes")
            return self.state.versions.snapshot

    def swap(self, bundle: str = "current") -> str:
        """Answer from another bundle, and by recommender.yaml as it is now; return the bundle's id.

        Raises:
            BundleError: it is missing, damaged, or made for another registry; the old one goes on answering.
        """
        with self._changing:
            return self._answer_from(bundle)

    def rollback(self) -> str:
        """Make the bundle current that was so before, for every process, and answer from it; return its id.

        Raises:
            BundleError: there was none before, or it cannot be loaded; then nothing changes.
        """
        store = BundleStore(self._live.bundles)
        with self._changing:
            for bundle in store.previous[-1:]:
                self._answer_from(bundle)  # what cannot be loaded here must not become current elsewhere
            store.roll_back()
            return self.state.bundle

    def _answer_from(self, bundle: str) -> str:
        try:
            live = replace(self._live, repo=self._live.repo.reopened(), spec=load_spec(self._live.file))
            self._deployment = deploy(live, bundle)
        except TfrsMtlError:
            self._counters.add("swap_failures")
            raise
        self._counters.add("swaps")
        return self.state.bundle

    def status(self) -> Status:
        """Return what it answers from, and what it has counted."""
        state = self.state
        return Status(state.versions, state.at, self._clock() - state.at, self._counters.snapshot())

    @property
    def state(self) -> State:
        """What requests are answered from now, apart from an experiment's arms."""
        return self._deployed().state

    def _deployed(self) -> Deployment:
        """Return what requests are answered from; UserError in a process that has none of our threads."""
        if os.getpid() != self._process:
            raise UserError(
                f"this recommender was loaded in process {self._process}, before the fork of process "
                f"{os.getpid()}; load one in each worker, after its fork: with gunicorn leave --preload out"
            )
        return self._deployment

    def close(self) -> None:
        """Let go of all threads, writing what was to be logged; no request may come afterwards.

        In a process that was forked later there is nothing to let go of.
        """
        if os.getpid() != self._process:
            return
        self._upkeep.stop()
        self._reader.close()
        self._workers.close()
        self._recorder.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._log.close()
        self._shadow.close()
