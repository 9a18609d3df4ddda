"""Retrieval beside what a shop would otherwise use, on the sample shop and on MovieLens 100K.

The peers: popularity, the query's own history, implicit ALS and BPR, item-to-item neighbours, EASE, vanilla
TFRS and, on MovieLens, the model of TFRS' tutorial. Each peer's settings are those that are best by recall@50
on the validation window, for `all` and for `new` each by itself (4 to 6 are tried); then it learns from all
that came before the test window. Ours learns from the training window, and sees what came since as features.

`all` counts whatever a query met in the test window, `new` only what it had not met before, and nobody may
recommend what it had. Of MovieLens there are two: `movielens`, split at random as in TFRS' tutorial (which
leaks), and `movielens_by_time`. `hit@100` is the tutorial's figure: the share of all test interactions whose
item is among the query's first hundred. Figures are [mean, standard deviation] over the seeds, which decide
weights and order.

The sample shop must stand: run `make demo` first, or let this script build its features.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from movielens.build import build
from movielens.wheel import download
from peers.collaborative import ALS, BPR, KNN, Settings, als, bpr, item_knn
from peers.counts import Recommend, contender, counts_before
from peers.ease import EASE, ease
from peers.tutorial import tutorial

from tfrs_mtl.dataset.shop import Shop, open_shop
from tfrs_mtl.evaluation.retrieval import (
    CandidateContender,
    Contender,
    Moment,
    TowerContender,
    baseline_contenders,
    read_moment,
)
from tfrs_mtl.evaluation.retrieval_metrics import retrieval_metrics
from tfrs_mtl.evaluation.truth import Truth, truth_of
from tfrs_mtl.features import build_features
from tfrs_mtl.mixing import standing_at
from tfrs_mtl.models import Models, ranking_model, retrieval_model, vanilla_model
from tfrs_mtl.project import open_project
from tfrs_mtl.retrieval.model import RetrievalModel
from tfrs_mtl.scoring import Scorer, to_snapshot
from tfrs_mtl.training.fitting import fit_retrieval
from tfrs_mtl.training.mixing import fit_mixer
from tfrs_mtl.training.prepare import TrainingSets, prepare, retrieval_examples

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "benchmarks" / ".cache"
BIN = Path(sys.executable).parent
SHOWN = ("recall@10", "recall@50", "recall@100", "ndcg@10", "coverage@50")
HIT = "hit@100"
TUNED_BY = "recall@50"
PROTOCOLS = ("all", "new")
TRIED: dict[str, tuple[Callable[..., Recommend], tuple[Settings, ...], bool]] = {
    "als": (als, ALS, True),
    "bpr": (bpr, BPR, True),
    "item_knn": (item_knn, KNN, False),
    "ease": (ease, EASE, False),
}
"""Peer -> how it is fitted, the settings that are tried, and whether the seed has a say."""

CONTENDERS = ("baselines", *TRIED, "vanilla_tfrs", "tutorial", "ours")
"""What may be asked for; `ours` brings its towers along, and `tutorial` is for MovieLens alone."""

Table = dict[str, dict[str, list[dict[str, float]]]]
"""Protocol -> contender -> the metrics of each seed."""


@dataclass
class Bench:
    """One shop under test.

    Attributes:
        found: what is known so far.
    """

    shop: Shop
    sets: TrainingSets
    truth: Truth
    moment: Moment
    seeds: int
    found: Table = field(default_factory=lambda: {protocol: {} for protocol in PROTOCOLS})

    def judge(
        self, name: str, made: Contender, *, seconds: float, protocols: Sequence[str] = PROTOCOLS
    ) -> None:
        """Note one seed's figures of a contender."""
        for protocol in protocols:
            figures = judged(self.shop, made, self.truth, only_new=protocol == "new")
            self.found[protocol].setdefault(name, []).append({**figures, "seconds": seconds})
        print(f"  {name}: {seconds:.1f} s", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--shops", nargs="+", choices=SHOPS, default=list(SHOPS))
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        found = {
            name: bench(name, SHOPS[name](Path(directory) / name), given.seeds, given.contenders)
            for name in given.shops
        }
    for name, table in found.items():
        print_table(name, table)
    print(json.dumps(found))


def bench(name: str, repo: Path, seeds: int, contenders: Sequence[str]) -> dict[str, Any]:
    """Judge contenders on one shop."""
    print(name, file=sys.stderr, flush=True)
    project = open_project(repo)
    shop = open_shop(project.repo, project.schema)
    truth = truth_of(shop, shop.windows.test)
    found = Bench(shop, prepare(shop, seed=0), truth, read_moment(shop, truth), seeds)
    if "baselines" in contenders:
        for baseline, made in baseline_contenders(shop).items():
            found.judge(baseline, made, seconds=0.0)
    for peer in TRIED:
        if peer in contenders:
            judge_peer(found, peer)
    if "vanilla_tfrs" in contenders:
        judge_vanilla(found)
    if "ours" in contenders:
        judge_ours(found)
    if name.startswith("movielens") and "tutorial" in contenders:
        counts = counts_before(shop, truth.at)
        for seed in range(seeds):
            with timed() as seconds:
                made = contender(counts, tutorial(counts, {}, seed=seed))
            found.judge("tutorial", made, seconds=seconds[0])
    return {protocol: summary(figures) for protocol, figures in found.found.items()}


def judge_peer(bench: Bench, name: str) -> None:
    """Tune a peer on the validation window, and judge it with what was best for each protocol."""
    fitted, settings, seeded = TRIED[name]
    shop, truth = bench.shop, bench.sets.truth
    before = counts_before(shop, truth.at)
    tried = [contender(before, fitted(before, one, seed=0)) for one in settings]
    counts = counts_before(shop, bench.truth.at)
    for protocol in PROTOCOLS:
        quality = [judged(shop, made, truth, only_new=protocol == "new")[TUNED_BY] for made in tried]
        best = settings[int(np.argmax(quality))]
        print(f"  {name}, {protocol}: {dict(best)}", file=sys.stderr, flush=True)
        for seed in range(bench.seeds if seeded else 1):
            with timed() as seconds:
                made = contender(counts, fitted(counts, best, seed=seed))
            bench.judge(name, made, seconds=seconds[0], protocols=(protocol,))


def judge_vanilla(bench: Bench) -> None:
    """Judge vanilla TFRS, which learns from all repeats: it has no other way to them."""
    everything = retrieval_examples(bench.shop, bench.sets.preprocessor, seed=0, repeats=1.0)
    sets = replace(bench.sets, retrieval=everything)
    for seed in range(bench.seeds):
        model = vanilla_model(sets.preprocessor, bench.shop.schema.spec.retrieval)
        assert model is not None
        judge_towers(bench, "vanilla_tfrs", sets, model, seed=seed)


def judge_ours(bench: Bench) -> None:
    """Judge our towers alone, and then mixed with what other sources name."""
    for seed in range(bench.seeds):
        model = retrieval_model(bench.sets.preprocessor, bench.shop.schema.spec.retrieval)
        seconds = judge_towers(bench, "towers", bench.sets, model, seed=seed)
        with timed() as mixing:
            mixed = mixed_contender(bench, model, seed=seed)
        bench.judge("ours", mixed, seconds=seconds + mixing[0])


def judge_towers(bench: Bench, name: str, sets: TrainingSets, model: RetrievalModel, *, seed: int) -> float:
    """Fit a two-tower model and judge it; return the seconds that the fit took."""
    with timed() as seconds, tempfile.TemporaryDirectory() as directory:
        fit_retrieval(sets, model, seed=seed, directory=Path(directory) / "run", progress=None)
    bench.judge(name, TowerContender.prepare(model, sets.preprocessor, bench.moment), seconds=seconds[0])
    return seconds[0]


def mixed_contender(bench: Bench, model: RetrievalModel, *, seed: int) -> Contender:
    """Return the candidates that the ranking model would be given; it has no say in them."""
    shop, spec = bench.shop, bench.shop.schema.spec
    models = Models(bench.sets.preprocessor, model, ranking_model(bench.sets.preprocessor, spec.ranking))
    models = replace(models, mixer=fit_mixer(shop, bench.sets, models, seed=seed))
    scorer = Scorer(
        schema=shop.schema,
        models=models,
        items=to_snapshot(models, bench.moment.items),
        candidates=spec.batch.candidates,
        k=spec.batch.k,
        weights=spec.weights,
        standing=standing_at(shop, bench.truth.at),
    )
    return CandidateContender(scorer, bench.moment)


def judged(shop: Shop, made: Contender, truth: Truth, *, only_new: bool) -> dict[str, float]:
    """Return a contender's figures on a window."""
    asked = truth.new_only() if only_new else truth
    lists = made(asked, asked.seen if only_new else None)
    catalogue = max(shop.items.known(truth.at), 1)
    means = retrieval_metrics(lists, asked.relevant, ks=(10, 50, 100), catalogue=catalogue).means()
    rows = np.arange(len(lists))[:, None]
    hits = asked.relevant.contains(np.broadcast_to(rows, lists.shape), lists).sum()
    return {**{name: means[name] for name in SHOWN}, HIT: float(hits) / max(len(asked.relevant.codes), 1)}


@contextmanager
def timed() -> Iterator[list[float]]:
    """Give a list whose first element is the seconds that the block took, once it is over."""
    seconds: list[float] = []
    began = time.perf_counter()
    yield seconds
    seconds.append(time.perf_counter() - began)


def summary(contenders: Mapping[str, Sequence[Mapping[str, float]]]) -> dict[str, dict[str, list[float]]]:
    """Return contender -> metric -> [mean, standard deviation] over the seeds."""
    return {
        name: {
            metric: [round(float(f([seed[metric] for seed in seeds])), 5) for f in (np.mean, np.std)]
            for metric in seeds[0]
        }
        for name, seeds in contenders.items()
    }


def print_table(shop: str, table: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]) -> None:
    """Print one shop's figures, a line a contender."""
    columns = [*SHOWN, HIT, "seconds"]
    for protocol, contenders in table.items():
        print(f"\n{shop}, {protocol}\n{'':20}" + "".join(f"{name:>18}" for name in columns))
        for name, metrics in contenders.items():
            values = "".join(f"{metrics[c][0]:>10.4f} ±{metrics[c][1]:>6.4f}" for c in columns)
            print(f"{name:20}{values}")


def grocery(_: Path) -> Path:
    """Make the sample shop's data and features where they do not stand yet."""
    repo = ROOT / "feature_repo"
    if not (repo / "data" / "purchases.parquet").exists():
        run(sys.executable, "examples/grocery_data.py")
    return applied(repo)


def applied(repo: Path) -> Path:
    """Apply a repo by Feast's own command, and build its behaviour views."""
    run(str(BIN / "feast"), "-c", str(repo), "apply")
    for _ in build_features(open_project(repo), now=datetime.now(timezone.utc)):
        pass
    return repo


def run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


SHOPS: dict[str, Callable[[Path], Path]] = {
    "grocery": grocery,
    "movielens": lambda root: applied(build(root, download(CACHE), "random")),
    "movielens_by_time": lambda root: applied(build(root, download(CACHE), "by_time")),
}

if __name__ == "__main__":
    main()
