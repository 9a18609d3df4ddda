"""Ranking on the sample shop: our recipe beside MMoE, shared-bottom, one model a task and LightGBM.

All learn from the same rows and features, stop by the same validation window and are judged on the same test
rows. The seed decides rows, negatives, weights and order; each figure is the mean over seeds with its spread
(standard deviation). The shop must stand: run `make demo` first, or let this script build its features.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from tfrs_mtl import spec
from tfrs_mtl.dataset.shop import Shop, open_shop
from tfrs_mtl.evaluation import binary_metrics, ranking_table, regression_metrics
from tfrs_mtl.project import open_project
from tfrs_mtl.ranking.model import single_task
from tfrs_mtl.training.fitting import fit_ranking, predict
from tfrs_mtl.training.prepare import RankingSet, TrainingSets, prepare, ranking_set

ROOT = Path(__file__).resolve().parents[1]
REPO = ROOT / "feature_repo"
BIN = Path(sys.executable).parent
SHOWN = {"binary": ("auc", "gauc", "log_loss", "ece", "pr_auc"), "regression": ("rmse", "mae", "r2")}
TREES = {"num_leaves": 63, "learning_rate": 0.1, "verbose": -1, "deterministic": True, "force_row_wise": True}
ROUNDS, PATIENCE = 400, 20
MMOE_EXPERTS = 8
"""The best on the validation window of 4 and 8."""

Predictions = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Cost:
    """What a contender's training took."""

    seconds: float
    parameters: int | None


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
    given = parser.parse_args()
    build_features()
    project = open_project(REPO)
    shop = open_shop(project.repo, project.schema)
    found = [judge_all(shop, seed) for seed in range(given.seeds)]
    tasks = project.spec.ranking.tasks
    table = {task.name: summary([metrics[task.name] for metrics, _ in found]) for task in tasks}
    Console(width=120).print(ranking_table(means(table), title=f"Test window, mean of {given.seeds} seeds"))
    costs = {name: cost([cost_of[name] for _, cost_of in found]) for name in found[0][1]}
    for name, figures in costs.items():
        print(f"{name:14}{figures['seconds']:8.1f} s  {figures['parameters'] or 0:12,} parameters")
    print(json.dumps({**table, "cost": costs}))


def build_features() -> None:
    """Make the sample shop's data and features where they do not stand yet."""
    if not (REPO / "data" / "purchases.parquet").exists():
        run(sys.executable, "examples/grocery_data.py")
    run(str(BIN / "feast"), "-c", str(REPO), "apply")
    run(str(BIN / "tfrs-mtl"), "-c", str(REPO), "features")


def run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def judge_all(shop: Shop, seed: int) -> tuple[dict[str, Any], dict[str, Cost]]:
    """Train all contenders with one seed; return task -> contender -> metric -> value, and their costs."""
    sets = prepare(shop, seed=seed)
    test = ranking_set(shop, sets.preprocessor, shop.windows.test, seed=seed + 2)
    setting = Setting(shop.schema.spec.ranking, sets, test, seed)
    predictions, costs = {}, {}
    for name, contender in CONTENDERS.items():
        began = time.perf_counter()
        predictions[name], parameters = contender(setting)
        costs[name] = Cost(time.perf_counter() - began, parameters)
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


def network(ranking: spec.Ranking, setting: Setting) -> tuple[Predictions, int]:
    with tempfile.TemporaryDirectory() as directory:
        model, _ = fit_ranking(
            setting.sets, ranking, seed=setting.seed, directory=Path(directory) / "run", progress=None
        )
        return dict(predict(model, setting.test)), int(model.count_params())


def ours(setting: Setting) -> tuple[Predictions, int]:
    return network(setting.ranking, setting)


def mmoe(setting: Setting) -> tuple[Predictions, int]:
    architecture = spec.Mmoe(experts=MMOE_EXPERTS)
    return network(setting.ranking.model_copy(update={"architecture": architecture}), setting)


def shared_bottom(setting: Setting) -> tuple[Predictions, int]:
    return network(setting.ranking.model_copy(update={"architecture": spec.SharedBottom()}), setting)


def single_tasks(setting: Setting) -> tuple[Predictions, int]:
    found: Predictions = {}
    parameters = 0
    for task in setting.ranking.tasks:
        predictions, size = network(single_task(setting.ranking, task.name), setting)
        found |= predictions
        parameters += size
    return found, parameters


def trees(setting: Setting) -> tuple[Predictions, None]:
    train, validation, test = (
        matrix(rows) for rows in (setting.sets.ranking, setting.sets.validation, setting.test)
    )
    found: Predictions = {}
    for task in setting.ranking.tasks:
        own = {**TREES, "objective": task.kind, "seed": setting.seed, "num_threads": 2}
        learnt, watched = (
            lightgbm.Dataset(values[known], labels[known])
            for values, labels, known in (
                labelled(train, setting.sets.ranking, task.name),
                labelled(validation, setting.sets.validation, task.name),
            )
        )
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        booster = lightgbm.train(own, learnt, ROUNDS, valid_sets=[watched], callbacks=[stop])
        found[task.name] = booster.predict(test)
    return found, None


def labelled(
    values: NDArray[np.float32], rows: RankingSet, task: str
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    labels = rows.rows.labels[task]
    return values, labels, np.isfinite(labels)


def matrix(rows: RankingSet) -> NDArray[np.float32]:
    """Return what the networks are fed: dense columns as they are, ids as numbers, matches of the history."""
    given = rows.examples.gather(0, rows.examples.size)
    columns = []
    for name in sorted(given):
        array = given[name]
        if name.endswith("#dense"):
            columns.append(array)
        elif array.ndim == 1:
            columns.append(array[:, None])
        elif name.endswith("last_products"):
            columns.append(((array == given["item#id"][:, None]) & (array > 1)).sum(axis=1, keepdims=True))
    return np.hstack(columns).astype(np.float32)


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
    return {
        "seconds": round(float(np.mean([c.seconds for c in seeds])), 1),
        "parameters": seeds[0].parameters,
    }


CONTENDERS: dict[str, Callable[[Setting], tuple[Predictions, int | None]]] = {
    "ours": ours,
    "mmoe": mmoe,
    "shared_bottom": shared_bottom,
    "single_task": single_tasks,
    "lightgbm": trees,
}

if __name__ == "__main__":
    main()
