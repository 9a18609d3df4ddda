"""Ranking on the sample shop: our recipe beside the other architectures, one model a task and peers.

All learn from the same rows and features, stop by the same validation window and are judged on the same test
rows. The seed decides rows, negatives, weights and order; each figure is the mean over seeds with its spread
(standard deviation). `mmoe+uncertainty` is an architecture with another balance; `--contenders` takes any
such pair. The shop must stand: run `make demo` first, or let this script build its features.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from peers.boosted import boosted
from peers.linear import linear
from rich.console import Console

from tfrs_mtl import spec
from tfrs_mtl.dataset.shop import Shop, open_shop
from tfrs_mtl.evaluation import binary_metrics, ranking_table, regression_metrics
from tfrs_mtl.project import open_project
from tfrs_mtl.ranking.architectures import ARCHITECTURES
from tfrs_mtl.ranking.model import single_task
from tfrs_mtl.training.fitting import fit_ranking, predict
from tfrs_mtl.training.prepare import RankingSet, TrainingSets, prepare, ranking_set

ROOT = Path(__file__).resolve().parents[1]
REPO = ROOT / "feature_repo"
BIN = Path(sys.executable).parent
SHOWN = {"binary": ("auc", "gauc", "log_loss", "ece", "pr_auc"), "regression": ("rmse", "mae", "r2")}
SIZED: dict[str, Any] = {
    "mmoe": {"name": "mmoe", "experts": 8},  # the best on the validation window of 4 and 8
    "escm2_ips": {"name": "escm2", "method": "ips"},
}
"""Settings of those architectures that are not run as they come by their name."""

Predictions = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Cost:
    """What a contender's training took; rows a second are those of the training steps alone."""

    seconds: float
    parameters: int | None
    rows_per_second: float | None


class Learnt(NamedTuple):
    """A contender's predictions of the test rows, its parameters, its rows and the seconds of its steps."""

    predictions: Predictions
    parameters: int | None = None
    rows: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Setting:
    """One seed's rows, which all contenders share."""

    ranking: spec.Ranking
    sets: TrainingSets
    test: RankingSet
    seed: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--contenders", type=lambda text: tuple(text.split(",")), default=CONTENDERS)
    given = parser.parse_args()
    build_features()
    project = open_project(REPO)
    shop = open_shop(project.repo, project.schema)
    found = [judge_all(shop, given.contenders, seed) for seed in range(given.seeds)]
    tasks = project.spec.ranking.tasks
    table = {task.name: summary([metrics[task.name] for metrics, _ in found]) for task in tasks}
    Console(width=120).print(ranking_table(means(table), title=f"Test window, mean of {given.seeds} seeds"))
    costs = {name: cost([cost_of[name] for _, cost_of in found]) for name in found[0][1]}
    for name, figures in costs.items():
        speed, size = figures["rows_per_s"] or 0, figures["parameters"] or 0
        print(f"{name:20}{figures['seconds']:8.1f} s  {speed:10,.0f} rows/s  {size:12,} parameters")
    print(json.dumps({**table, "cost": costs}))


def build_features() -> None:
    """Make the sample shop's data and features where they do not stand yet."""
    if not (REPO / "data" / "purchases.parquet").exists():
        run(sys.executable, "examples/grocery_data.py")
    run(str(BIN / "feast"), "-c", str(REPO), "apply")
    run(str(BIN / "tfrs-mtl"), "-c", str(REPO), "features")


def run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def judge_all(shop: Shop, contenders: Sequence[str], seed: int) -> tuple[dict[str, Any], dict[str, Cost]]:
    """Train contenders with one seed; return task -> contender -> metric -> value, and their costs."""
    sets = prepare(shop, seed=seed)
    test = ranking_set(shop, sets.preprocessor, shop.windows.test, seed=seed + 2)
    setting = Setting(shop.schema.spec.ranking, sets, test, seed)
    predictions, costs = {}, {}
    for name in contenders:
        began = time.perf_counter()
        learnt = contender(name, setting)
        predictions[name] = learnt.predictions
        speed = learnt.rows / learnt.seconds if learnt.seconds else None
        costs[name] = Cost(time.perf_counter() - began, learnt.parameters, speed)
        print(f"seed {seed}: {name} in {costs[name].seconds:.1f} s", file=sys.stderr, flush=True)
    judged = {
        task.name: {name: metrics(task, test, found[task.name]) for name, found in predictions.items()}
        for task in setting.ranking.tasks
    }
    return judged, costs


def metrics(task: spec.Task, test: RankingSet, prediction: NDArray[np.float64]) -> dict[str, float]:
    labels = test.rows.labels[task.name]
    if task.kind == "binary":
        values = binary_metrics(labels, prediction, queries=test.rows.queries).values()
    else:
        values = regression_metrics(labels, prediction).values()
    return {name: values[name] for name in SHOWN[task.kind]}


def contender(name: str, setting: Setting) -> Learnt:
    """Train what a name stands for: a peer, ours, or an architecture, with a balance after a +."""
    if name == "single_task":
        return single_tasks(setting)
    if name == "lightgbm":
        return Learnt(boosted(setting.sets, setting.test, setting.ranking.tasks, seed=setting.seed))
    if name == "regression":
        return Learnt(*linear(setting.sets, setting.test, setting.ranking.tasks, seed=setting.seed))
    architecture, _, balance = name.partition("+")
    changed: dict[str, Any] = {"balance": balance} if balance else {}
    if architecture != "ours":
        changed["architecture"] = SIZED.get(architecture, architecture)
    settings = {**setting.ranking.model_dump(mode="json"), **changed}
    return network(spec.Ranking.model_validate(settings), setting)


def network(ranking: spec.Ranking, setting: Setting) -> Learnt:
    with tempfile.TemporaryDirectory() as directory:
        where = Path(directory) / "run"
        model, history = fit_ranking(setting.sets, ranking, seed=setting.seed, directory=where, progress=None)
    seconds = sum(epoch.seconds for epoch in history.epochs)
    rows = sum(epoch.seconds * epoch.rows_per_second for epoch in history.epochs)
    return Learnt(dict(predict(model, setting.test)), int(model.count_params()), rows, seconds)


def single_tasks(setting: Setting) -> Learnt:
    """Train a model a task, one after the other."""
    found = [network(single_task(setting.ranking, task.name), setting) for task in setting.ranking.tasks]
    predictions = {name: value for learnt in found for name, value in learnt.predictions.items()}
    size = sum(learnt.parameters or 0 for learnt in found)
    return Learnt(predictions, size, found[0].rows, sum(learnt.seconds for learnt in found))


def summary(seeds: list[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, list[float]]]:
    """Return contender -> metric -> [mean, standard deviation] over the seeds."""
    return {
        name: {
            metric: [round(float(f([seed[name][metric] for seed in seeds])), 5) for f in (np.mean, np.std)]
            for metric in seeds[0][name]
        }
        for name in seeds[0]
    }


def means(table: Mapping[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    return {
        task: {name: {m: v[0] for m, v in values.items()} for name, values in contenders.items()}
        for task, contenders in table.items()
    }


def cost(seeds: list[Cost]) -> dict[str, Any]:
    speeds = [c.rows_per_second for c in seeds if c.rows_per_second is not None]
    return {
        "seconds": round(float(np.mean([c.seconds for c in seeds])), 1),
        "rows_per_s": round(float(np.mean(speeds))) if speeds else None,
        "parameters": seeds[0].parameters,
    }


CONTENDERS = (
    *("ours", "ours+uncertainty", *sorted(ARCHITECTURES), "escm2_ips"),
    *("single_task", "regression", "lightgbm"),
)

if __name__ == "__main__":
    main()
