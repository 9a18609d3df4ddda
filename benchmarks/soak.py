"""A soak: many threads ask while Feast rewrites features, events and pushes arrive, and bundles swap.

Two bundles of one training hold the two halves of the catalogue, so an answer that mixes bundles shows.
Where nothing is read of a query, one that mixes snapshots shows too: the same versions must score the same.
All is done to a copy of the shop; what materialises and pushes is a process of its own, as in production, so
that the memory measured is the recommender's. Without --shop a small shop of the tests is built first.

It ends with status 1 where an answer failed or mixed versions, where an event was not taken, where memory
grew, or where one of these (swap, refresh, materialise, push, record where the shop can) never happened. See
``Memory`` for what growth is.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # else this folder is where `import serving` looks

from benchmarks.soaking.asking import ask  # noqa: E402
from benchmarks.soaking.changing import recording, repeating, swapping  # noqa: E402
from benchmarks.soaking.figures import Figures  # noqa: E402
from benchmarks.soaking.judge import Judge  # noqa: E402
from benchmarks.soaking.shop import copied  # noqa: E402
from benchmarks.soaking.writing import writing  # noqa: E402
from serving import Recommender  # noqa: E402
from tests.serving.bundles import halved  # noqa: E402
from tfrs_mtl.bundle import BundleStore  # noqa: E402
from tfrs_mtl.dataset.interactions import read_interactions  # noqa: E402

QUERIES = 200


def soak(shop: Path, *, requests: int, threads: int, root: Path) -> Figures:
    """Run it on a copy of the shop in a scratch directory."""
    project = copied(shop, root)
    schema, at = project.schema, BundleStore(project.bundles).open().manifest.at
    queries = read_interactions(project.repo, schema).queries.unique().to_pylist()[:QUERIES]
    halves = halved(project)
    judge = Judge(halves, queries_are_still=not schema.query.fetched)
    figures = Figures(records=project.spec.serving.record)
    # A snapshot's version tells the second: no two of one bundle may be of the same.
    recommender = Recommender.load(
        root, bundle=next(iter(halves)), clock=lambda: at + timedelta(seconds=2 * figures.done["swaps"])
    )
    with ExitStack() as meanwhile:
        meanwhile.enter_context(writing(root, at, figures))
        meanwhile.enter_context(repeating(swapping(recommender, list(halves), figures), figures))
        if figures.records:
            meanwhile.enter_context(repeating(recording(recommender, project, figures), figures))
        ask(recommender, queries, judge, figures, requests=requests, threads=threads)
    recommender.close()
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shop", type=Path, help="a repo with a bundle; default: a small one is built")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=8)
    given = parser.parse_args()
    if given.shop is not None and not (given.shop / "artefacts" / "bundles").is_dir():
        sys.exit(f"{given.shop} holds no bundle: run `make demo` first")
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
