"""Offline equals online: sampled (query, time) pairs, by training's path and by a request's.

For each of several moments, Feast's own materialise fills a new online store with the queries' views until
then; both paths are asked as of the moment. The shop's own store is not touched. The bundle must
stand: run `make demo` first.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import yaml
from feast import FeatureStore

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # else this folder is where `import serving` looks

from serving.skew import sampled  # noqa: E402
from serving.state import State, load_state  # noqa: E402
from tfrs_mtl.dataset.interactions import read_interactions  # noqa: E402
from tfrs_mtl.project import open_project  # noqa: E402
from tfrs_mtl.store import open_repo  # noqa: E402

LONG_AGO = timedelta(days=7300)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shop", type=Path, default=ROOT / "feature_repo")
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--moments", type=int, default=5)
    given = parser.parse_args()
    if not (given.shop / "artefacts" / "bundles").is_dir():
        sys.exit(f"{given.shop} holds no bundle: run `make demo` first")
    state = load_state(open_project(given.shop), "current")
    views = [s.view.name for s in state.schema.query.service.selections] if state.schema.query.service else []
    pairs, items, differing = 0, 0, []
    for number, moment in enumerate(moments(state, given.moments)):
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as directory:
            filled(given.shop, Path(directory), views, moment)
            project = replace(state.project, repo=open_repo(Path(directory)))
            missing = given.pairs - pairs if number == given.moments - 1 else given.pairs // given.moments
            report = sampled(replace(state, project=project), rows=missing, seed=number, at=moment)
        pairs, items = pairs + report.queries, items + report.items
        differing += [difference.feature for difference in report.differences]
        print(
            f"{moment:%Y-%m-%d %H:%M:%S}  {report.queries:6,} queries  {report.items:6,} items  "
            f"{len(report.differences):3} features differ  {time.perf_counter() - began:6.1f} s",
            flush=True,
        )
        for difference in report.differences:
            print(f"  {difference}")
    inputs = sum(len(state.scorer.models.preprocessor.part(part)) for part in ("query", "item", "pair"))
    figures = {"pairs": pairs, "items": items, "encoders": inputs, "differing": sorted(set(differing))}
    print(json.dumps({**figures, "moments": given.moments}))


def moments(state: State, count: int) -> list[datetime]:
    """Spread moments over the later half of the interactions, off the grid of the snapshots."""
    times = read_interactions(state.project.repo, state.schema).times
    first, last = int(np.median(times)), int(times[-1])
    rng = np.random.default_rng(0)
    drawn = np.sort(first + (rng.random(count) * (last - first)).astype(np.int64))
    return [datetime.fromtimestamp(t / 1e6, timezone.utc) for t in drawn.tolist()]


def filled(shop: Path, root: Path, views: list[str], until: datetime) -> None:
    """Write a repo of the shop's registry over an online store of its own, materialised until a moment."""
    config = yaml.safe_load((shop / "feature_store.yaml").read_text())
    shutil.copyfile(shop / config["registry"]["path"], root / "registry.db")
    config["registry"]["path"] = "registry.db"
    config["online_store"] = {"type": "sqlite", "path": "online.db"}
    (root / "feature_store.yaml").write_text(yaml.safe_dump(config))
    store = FeatureStore(repo_path=str(root))
    store.apply([*store.list_entities(), *store.list_feature_views()])
    store.materialize(until - LONG_AGO, until, feature_views=views)


if __name__ == "__main__":
    main()
