"""A soak: many threads ask while Feast rewrites features, pushes arrive, and bundles swap back and forth.

Two bundles of one training hold the two halves of the catalogue, so an answer that mixes bundles shows.
Where nothing is read of a query, one that mixes snapshots shows too: the same versions must score the same.
The online store is a copy of the shop's; what writes to it is a process of its own, as in production, so that
the memory measured is the recommender's. Without --shop a small shop of the tests is built first.

It ends with status 1 where an answer failed or mixed versions, where memory grew, or where one of the four
(swap, refresh, materialise, push) never happened. See ``Memory`` for what growth is.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # else this folder is where `import serving` looks

from serving import Answer, Recommender  # noqa: E402
from tests.serving.bundles import halved  # noqa: E402
from tfrs_mtl.bundle import BundleStore  # noqa: E402
from tfrs_mtl.dataset.interactions import read_interactions  # noqa: E402
from tfrs_mtl.project import open_project  # noqa: E402
from tfrs_mtl.schema import Schema, View  # noqa: E402
from tfrs_mtl.store import TIMESTAMP, FeatureRepo  # noqa: E402

PAGE_MIB = 4096 / 2**20
LONG_AGO = timedelta(days=2000)
KEPT = 4
SAMPLES = 40
PAUSE = 0.2
WRITES = ("materialisations", "pushes")


@dataclass
class Memory:
    """Resident memory on the way: (requests answered, MiB).

    The first quarter warms up: pools, arenas and two bundles take what they need. From then on memory goes up
    and down by a bundle at each swap; a leak is what a straight line through it rises by. It may rise by a
    twentieth of what was there after the warm-up, or by ``FLOOR_MIB`` where that is more: a bundle more or
    less at either end of the line is as much. Of 20,000 requests that is some 4 KiB a request; a state kept
    alive by each of several hundred swaps would be far beyond.
    """

    samples: list[tuple[int, float]] = field(default_factory=list)

    FLOOR_MIB = 64.0

    def warm(self) -> list[tuple[int, float]]:
        """Return the samples after the first quarter."""
        last = self.samples[-1][0] if self.samples else 0
        return [(done, mib) for done, mib in self.samples if done * 4 >= last]

    @property
    def rises_mib(self) -> float:
        """By how much the line rises from the end of the warm-up to the end."""
        warm = self.warm()
        if len(warm) < 3:
            return 0.0
        done, mib = np.array(warm).T
        slope, _ = np.polyfit(done, mib, 1)
        return round(float(slope * (done[-1] - done[0])), 1)

    @property
    def may_rise_mib(self) -> float:
        """By how much it may."""
        warm = self.warm()
        return round(max(self.FLOOR_MIB, 0.05 * warm[0][1] if warm else 0.0), 1)


@dataclass
class Figures:
    """What happened."""

    requests: int = 0
    failed: int = 0
    mixed: int = 0
    degraded: Counter[str] = field(default_factory=Counter)
    per_s: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    memory: Memory = field(default_factory=Memory)

    @property
    def wrong(self) -> list[str]:
        """What must not be."""
        said = [f"{self.failed} answers failed"] if self.failed else []
        said += [f"{self.mixed} answers mixed versions"] if self.mixed else []
        said += [f"no {what}" for what in ("swaps", "refreshes", *WRITES) if not self.done[what]]
        rises, may = self.memory.rises_mib, self.memory.may_rise_mib
        return said + ([f"memory rose by {rises} MiB, expected at most {may}"] if rises > may else [])

    def as_json(self) -> dict[str, Any]:
        """Return the figures as one line of JSON says them."""
        counts = {what: self.done[what] for what in ("swaps", "refreshes", *WRITES)}
        return {
            "requests": self.requests,
            "failed": self.failed,
            "mixed": self.mixed,
            "degraded": dict(self.degraded),
            "per_s": self.per_s,
            **counts,
            "troubles": self.troubles.total(),
            "rss_mib": self.memory.samples,
            "rises_mib": self.memory.rises_mib,
            "may_rise_mib": self.memory.may_rise_mib,
            "wrong": self.wrong,
        }


class Judge:
    """Says of answers whether they mix versions."""

    def __init__(self, catalogues: dict[str, frozenset[Any]], *, queries_are_still: bool) -> None:
        self._catalogues = catalogues
        self._still = queries_are_still
        self._seen: OrderedDict[Any, dict[Any, Any]] = OrderedDict()
        self._lock = Lock()

    def is_mixed(self, answer: Answer) -> bool:
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


def soak(shop: Path, *, requests: int, threads: int, root: Path) -> Figures:
    """Run it in a scratch directory."""
    copied(shop, root)
    project = open_project(root)
    halves = halved(project)
    schema, at = project.schema, BundleStore(project.bundles).open().manifest.at
    queries = read_interactions(project.repo, schema).queries.unique().to_pylist()[:200]
    judge = Judge(halves, queries_are_still=not schema.query.fetched)
    figures, lock = Figures(), Lock()
    # A snapshot's version tells the second: no two of one bundle may be of the same.
    recommender = Recommender.load(
        root, bundle=next(iter(halves)), clock=lambda: at + timedelta(seconds=2 * figures.done["swaps"])
    )

    def answer(seed: int) -> None:
        for place in np.random.default_rng(seed).choice(len(queries), requests // threads).tolist():
            try:
                found = recommender.recommend(queries[place])
                failed, mixed, reasons = not found.items, judge.is_mixed(found), found.degraded
            except Exception as error:
                failed, mixed, reasons = True, False, ()
                figures.troubles[f"{type(error).__name__}: {error}"[:200]] += 1
            with lock:
                figures.requests += 1
                figures.failed += failed
                figures.mixed += mixed
                figures.degraded.update(reasons)
                if figures.requests % max(1, requests // SAMPLES) == 0:
                    figures.memory.samples.append((figures.requests, rss()))

    def change() -> None:
        recommender.swap(list(halves)[figures.done["swaps"] % 2 - 1])
        figures.done["swaps"] += 1
        recommender.refresh()
        figures.done["refreshes"] += 1

    with writing(root, at, figures), repeating(change, figures):
        began = time.perf_counter()
        asking = [Thread(target=answer, args=(seed,)) for seed in range(threads)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        figures.per_s = round(figures.requests / (time.perf_counter() - began), 1)
    recommender.close()
    return figures


@contextmanager
def repeating(work: Callable[[], None], figures: Figures) -> Iterator[None]:
    """Do some work again and again beside; what fails is told, and tried again."""
    stop = Event()

    def run() -> None:
        while not stop.wait(PAUSE):
            try:
                work()
            except Exception as error:
                figures.troubles[f"{work.__name__}: {error}"[:200]] += 1

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def writing(root: Path, at: datetime, figures: Figures) -> Iterator[None]:
    """Have another process write to the online store, from its first write on."""
    context = multiprocessing.get_context("spawn")
    going, stop, told = context.Event(), context.Event(), context.Queue()
    process = context.Process(target=write, args=(root, at, going, stop, told))
    process.start()
    while process.is_alive() and not going.wait(0.1):
        pass
    try:
        yield
    finally:
        stop.set()
        if process.is_alive():
            done, troubles = told.get()
            figures.done.update(done)
            figures.troubles.update(troubles)
        process.join()


def write(root: Path, at: datetime, going: Any, stop: Any, told: Any) -> None:
    """Materialise changed values and push rows, in turns, until told to stop."""
    from feast import FeatureStore

    store, schema = FeatureStore(repo_path=str(root)), open_project(root).schema
    repo, view = FeatureRepo(store, root), view_to_push(schema)
    rows = repo.rows(view, [*view.keys, *view.columns])
    done, troubles = Counter[str](), Counter[str]()

    def materialise() -> None:
        until = at - timedelta(days=10 * (done["materialisations"] % 2))
        store.materialize(until - LONG_AGO, until)

    def push() -> None:
        first = 20 * done["pushes"] % max(len(rows) - 20, 1)
        if view.push is not None:
            repo.push(view, rows.slice(first, 20), now=at)
        else:  # what Feast does with what is pushed
            store.write_to_online_store(view.name, df=as_stored(view, rows.slice(first, 20)))

    while not stop.wait(PAUSE):
        for what, work in (("materialisations", materialise), *[("pushes", push)] * 5):
            try:
                work()
                done[what] += 1
            except Exception as error:
                troubles[f"{what}: {error}"[:200]] += 1
        going.set()
    told.put((done, troubles))


def view_to_push(schema: Schema) -> View:
    """Return the first view that has a push source, or the first."""
    services = [side.service for side in (schema.query, schema.item) if side.service is not None]
    views = [selection.view for service in services for selection in service.selections]
    return next((view for view in views if view.push is not None), views[0])


def as_stored(view: View, rows: pa.Table) -> Any:
    """Return rows under the names of the view's source, as Feast takes them."""
    names = [TIMESTAMP if name == TIMESTAMP else view.source.raw(name) for name in rows.column_names]
    frame = rows.rename_columns(names).to_pandas().rename(columns={TIMESTAMP: view.source.timestamp})
    return frame.assign(**{view.source.created: frame[view.source.timestamp]} if view.source.created else {})


def copied(shop: Path, root: Path) -> None:
    """Copy a repo whose registry and sqlite online store are files; its sources stay where they are."""
    shutil.copytree(shop / "artefacts" / "bundles", root / "artefacts" / "bundles")
    config = yaml.safe_load((shop / "feature_store.yaml").read_text())
    for name in (config["registry"]["path"], config["online_store"]["path"]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shop / name, root / name)
    shutil.copyfile(shop / "feature_store.yaml", root / "feature_store.yaml")
    spec = yaml.safe_load((shop / "recommender.yaml").read_text())
    spec["serving"] = {**spec.get("serving", {}), "deadline": "10s"}
    (root / "recommender.yaml").write_text(yaml.safe_dump(spec))
    with closing(sqlite3.connect(root / config["online_store"]["path"])) as db:
        db.execute("PRAGMA journal_mode=WAL")


def rss() -> float:
    return round(int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MIB, 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shop", type=Path, help="a repo with a bundle; default: a small one is built")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        shop = given.shop
        if shop is None:
            from tests.e2e.built import build

            shop = build("cinema", Path(directory) / "shop").path
        figures = soak(shop, requests=given.requests, threads=given.threads, root=Path(directory) / "soak")
    for trouble, times in sorted(figures.troubles.items()):
        print(f"{times} times: {trouble}")
    print(json.dumps(figures.as_json()))
    return 1 if figures.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
