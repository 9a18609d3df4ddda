"""A soak: many threads ask while Feast rewrites features, pushes arrive, and bundles swap back and forth.

Two bundles of one training hold the two halves of the catalogue, so an answer that mixes bundles shows.
Where nothing is read of a query, one that mixes snapshots shows too: the same versions must score the same.
The online store is a copy of the shop's. Without --shop a small shop of the tests is built first.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from feast import FeatureStore

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # else this folder is where `import serving` looks

from serving import Answer, Recommender  # noqa: E402
from tfrs_mtl.bundle import BundleStore  # noqa: E402
from tfrs_mtl.bundle.contents import Contents, open_contents  # noqa: E402
from tfrs_mtl.dataset.frames import Frame  # noqa: E402
from tfrs_mtl.dataset.interactions import read_interactions  # noqa: E402
from tfrs_mtl.project import open_project  # noqa: E402
from tfrs_mtl.scoring import to_snapshot  # noqa: E402
from tfrs_mtl.store import TIMESTAMP  # noqa: E402

PAGE_MIB = 4096 / 2**20
LONG_AGO = timedelta(days=2000)
KEPT = 4


@dataclass
class Figures:
    """What happened; ``rss`` is of a quarter of the way and of its end."""

    requests: int = 0
    failed: int = 0
    mixed: int = 0
    degraded: int = 0
    rss_start_mib: float = 0.0
    rss_end_mib: float = 0.0
    per_s: float = 0.0
    swaps: int = 0
    refreshes: int = 0
    pushes: int = 0
    materialisations: int = 0
    troubles: list[str] = field(default_factory=list)


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
    halves = halved(root)
    schema, at = project.schema, BundleStore(project.bundles).open().manifest.at
    queries = read_interactions(project.repo, schema).queries.unique().to_pylist()[:200]
    judge = Judge(halves, queries_are_still=not schema.query.fetched)
    figures, stop, lock = Figures(), Event(), Lock()
    # A snapshot's version tells the second: no two of one bundle may be of the same.
    recommender = Recommender.load(
        root, bundle=next(iter(halves)), clock=lambda: at + timedelta(seconds=2 * figures.swaps)
    )
    writer, pushed = FeatureStore(repo_path=str(root)), view_to_push(recommender)

    rows_of_view = project.repo.rows(pushed, [*pushed.keys, *pushed.columns])

    def answer(seed: int) -> None:
        for query in np.random.default_rng(seed).choice(len(queries), requests // threads).tolist():
            try:
                found = recommender.recommend(queries[query])
                failed, mixed, degraded = not found.items, judge.is_mixed(found), bool(found.degraded)
            except Exception as error:
                failed, mixed, degraded = True, False, False
                figures.troubles.append(f"{type(error).__name__}: {error}"[:200])
            with lock:
                figures.requests += 1
                figures.failed += failed
                figures.mixed += mixed
                figures.degraded += degraded
                if figures.requests == requests // 4:
                    figures.rss_start_mib = rss()

    def swap() -> None:
        recommender.swap(list(halves)[figures.swaps % 2 - 1])
        figures.swaps += 1
        recommender.refresh()
        figures.refreshes += 1

    def materialise() -> None:
        until = at - timedelta(days=10 * (figures.materialisations % 2))
        writer.materialize(until - LONG_AGO, until)
        figures.materialisations += 1

    def push() -> None:
        writer.write_to_online_store(pushed.name, df=as_stored(pushed, rows_of_view, figures.pushes % 100))
        figures.pushes += 1

    def again(work: Callable[[], None]) -> None:
        while not stop.wait(0.2):
            try:
                work()
            except Exception as error:  # it is told at the end, and tried again
                figures.troubles.append(f"{work.__name__}: {error}"[:200])

    began = time.perf_counter()
    beside = [Thread(target=again, args=(work,)) for work in (swap, materialise, push)]
    asking = [Thread(target=answer, args=(seed,)) for seed in range(threads)]
    for thread in (*beside, *asking):
        thread.start()
    for thread in asking:
        thread.join()
    figures.per_s = round(figures.requests / (time.perf_counter() - began), 1)
    figures.rss_end_mib = rss()
    stop.set()
    for thread in beside:
        thread.join()
    recommender.close()
    return figures


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


def halved(root: Path) -> dict[str, frozenset[Any]]:
    """Write two bundles from the current one, each with half of its items; return their catalogues by id."""
    project = open_project(root)
    store = BundleStore(project.bundles)
    bundle = store.open()
    contents, manifest = open_contents(bundle, project).contents, bundle.manifest
    found = {}
    for first in (0, 1):
        rows = np.arange(first, len(contents.items.frame), 2)
        half = part_of(contents, rows)
        written = store.write(
            fill=half.save,
            name=manifest.name,
            created=manifest.created,
            at=manifest.at,
            seed=manifest.seed,
            versions=manifest.versions,
            spec=manifest.spec,
            types=manifest.types,
            metrics=manifest.metrics,
        )
        found[written.id] = frozenset(half.items.keys.to_pylist())
    return found


def part_of(contents: Contents, rows: Any) -> Contents:
    frame, index = contents.items.frame, pa.array(rows)
    columns = {name: column.take(index) for name, column in frame.columns.items()}
    items = to_snapshot(contents.models, Frame(columns, frame.times[rows]))
    exposure = None if contents.exposure is None else contents.exposure[rows]
    return Contents(contents.models, items, contents.popularity[rows], exposure)


def view_to_push(recommender: Recommender) -> Any:
    """Take the queries' first view, or the items' where nothing is read of queries."""
    schema = recommender.state.schema
    services = [side.service for side in (schema.query, schema.item) if side.service is not None]
    return services[0].selections[0].view


def as_stored(view: Any, rows: pa.Table, first: int) -> Any:
    """Return some rows under the names of the view's source, as Feast takes them."""
    names = [TIMESTAMP if name == TIMESTAMP else view.source.raw(name) for name in rows.column_names]
    frame = rows.slice(first, 20).rename_columns(names).to_pandas()
    frame = frame.rename(columns={TIMESTAMP: view.source.timestamp})
    return frame.assign(**{view.source.created: frame[view.source.timestamp]} if view.source.created else {})


def rss() -> float:
    return round(int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MIB, 1)


def main() -> None:
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
    for trouble in sorted(set(figures.troubles)):
        print(trouble)
    print(json.dumps({name: value for name, value in asdict(figures).items() if name != "troubles"}))


if __name__ == "__main__":
    main()
