"""Ranking on the sample shop: our recipe beside the other architectures, one model a task and peers.

All learn from the same rows and features, stop by the same validation window and are judged on the same test
rows. The seed decides rows, negatives, weights and order; each figure is the mean over seeds with its spread
(standard deviation). `mmoe+uncertainty` is an architecture with another balance; `--contenders` takes any
such pair. `torch_mmoe` and `torch_ple` are those of `torch-rechub`, at the size of `mmoe` and `ple` (extra
`torch`). `--ablations` takes from ours one part each. The shop must stand: run `make demo` first, or let this
script build its features.

Its JSON: task -> contender -> metric -> [mean, spread]; `transfer`, of a task's metrics ours minus those of
the task's own model, seed by seed; `cost` -> contender -> seconds, rows_per_s (of the training steps),
parameters, scoring_ms (500 candidates of one query as serving ranks them); `scoring`, the same of ours beside
the eager Keras call and the models of single tasks.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from peers.boosted import boosted
from peers.installed import TORCH, runnable
from peers.linear import linear
from ranked.ablations import ABLATIONS, ablated, sets_of
from ranked.figures import ALONE, OURS, Cost, Table, cost, cost_line, means, scoring, summary, transfer
from ranked.scoring import eager, exported, inputs_of, milliseconds, request_of
from rich.console import Console

from tfrs_mtl import spec
from tfrs_mtl.dataset.shop import Shop, open_shop
from tfrs_mtl.evaluation import binary_metrics, ranking_table, regression_metrics
from tfrs_mtl.models import PARTS, RANKING_ID_DIM
from tfrs_mtl.project import open_project
from tfrs_mtl.ranking.architectures import ARCHITECTURES
from tfrs_mtl.ranking.model import RankingModel, single_task
from tfrs_mtl.training.fitting import fit_ranking, predict
from tfrs_mtl.training.history import History
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

EAGER = "eager"

Predictions = dict[str, NDArray[np.float64]]


class Learnt(NamedTuple):
    """A contender's predictions of the test rows, its parameters, its rows and the seconds of its steps.

    ``models`` are those of ours that made them.
    """

    predictions: Predictions
    parameters: int | None = None
    rows: float = 0.0
    seconds: float = 0.0
    models: tuple[RankingModel, ...] = ()


class Judged(NamedTuple):
    """What one seed gave: task -> contender -> metric -> value, costs, milliseconds of ours by Keras."""

    metrics: Table
    costs: dict[str, Cost]
    eager_ms: float | None


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
    parser.add_argument("--ablations", action="store_true", help="in place of the contenders")
    given = parser.parse_args()
    contenders = runnable(WITHOUT if given.ablations else given.contenders)
    build_features()
    project = open_project(REPO)
    shop = open_shop(project.repo, project.schema)
    found = [judge_all(shop, contenders, seed) for seed in range(given.seeds)]
    table = {task: summary([seed.metrics[task] for seed in found]) for task in found[0].metrics}
    Console(width=120).print(ranking_table(means(table), title=f"Test window, mean of {given.seeds} seeds"))
    costs = {name: cost([seed.costs[name] for seed in found]) for name in contenders}
    for name, figures in costs.items():
        print(cost_line(name, figures))
    rest = {"transfer": transfer([seed.metrics for seed in found]), "cost": costs}
    print(json.dumps({**table, **rest, "scoring": scoring(costs, [seed.eager_ms for seed in found])}))


def build_features() -> None:
    """Make the sample shop's data and features where they do not stand yet."""
    if not (REPO / "data" / "purchases.parquet").exists():
        run(sys.executable, "examples/grocery_data.py")
    run(str(BIN / "feast"), "-c", str(REPO), "apply")
    run(str(BIN / "tfrs-mtl"), "-c", str(REPO), "features")


def run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def judge_all(shop: Shop, contenders: Sequence[str], seed: int) -> Judged:
    """Train contenders with one seed, judge them on the test window and time them."""
    sets = prepare(shop, seed=seed)
    test = ranking_set(shop, sets.preprocessor, shop.windows.test, seed=seed + 2)
    setting = Setting(shop.schema.spec.ranking, sets, test, seed)
    predictions: dict[str, Predictions] = {}
    costs: dict[str, Cost] = {}
    models: dict[str, tuple[RankingModel, ...]] = {}
    for name in contenders:
        began = time.perf_counter()
        learnt = contender(name, setting)
        predictions[name], models[name] = learnt.predictions, learnt.models
        speed = learnt.rows / learnt.seconds if learnt.seconds else None
        costs[name] = Cost(time.perf_counter() - began, learnt.parameters, speed)
        print(f"seed {seed}: {name} in {costs[name].seconds:.1f} s", file=sys.stderr, flush=True)
    judged = {
        task.name: {name: metrics(task, test, found[task.name]) for name, found in predictions.items()}
        for task in setting.ranking.tasks
    }
    taken = timed({name: found for name, found in models.items() if found}, setting)
    costs = {name: replace(found, scoring_ms=taken.get(name)) for name, found in costs.items()}
    return Judged(judged, costs, taken.get(EAGER))


def timed(models: Mapping[str, tuple[RankingModel, ...]], setting: Setting) -> dict[str, float]:
    """Return the milliseconds of each contender of ours on one request, and of ours by the eager call."""
    calls = {}
    for name, found in models.items():
        inputs = inputs_of(setting.sets.preprocessor, found[0])
        request = request_of(setting.test.examples, inputs, seed=setting.seed)
        calls[name] = exported(found, inputs, request)
        if name == OURS:
            calls[EAGER] = eager(found[0], request)
    return milliseconds(calls) if calls else {}


def metrics(task: spec.Task, test: RankingSet, prediction: NDArray[np.float64]) -> dict[str, float]:
    labels = test.rows.labels[task.name]
    if task.kind == "binary":
        values = binary_metrics(labels, prediction, queries=test.rows.queries).values()
    else:
        values = regression_metrics(labels, prediction).values()
    return {name: values[name] for name in SHOWN[task.kind]}


def contender(name: str, setting: Setting) -> Learnt:
    """Train what a name stands for: a peer, ours, or an architecture, with a balance after a +."""
    if name == ALONE:
        return single_tasks(setting)
    if name in ABLATIONS:
        return network(ablated(name, setting.ranking), replace(setting, sets=sets_of(name, setting.sets)))
    if name == "lightgbm":
        return Learnt(boosted(setting.sets, setting.test, setting.ranking.tasks, seed=setting.seed))
    if name == "regression":
        return Learnt(*linear(setting.sets, setting.test, setting.ranking.tasks, seed=setting.seed))
    if name.startswith(TORCH):
        return torch_network(settings_of(name.removeprefix(TORCH), setting.ranking), setting)
    return network(settings_of(name, setting.ranking), setting)


def settings_of(name: str, ranking: spec.Ranking) -> spec.Ranking:
    """Return the settings that an architecture's name stands for, with a balance after a +."""
    architecture, _, balance = name.partition("+")
    changed: dict[str, Any] = {"balance": balance} if balance else {}
    if architecture != OURS:
        changed["architecture"] = SIZED.get(architecture, architecture)
    return spec.Ranking.model_validate({**ranking.model_dump(mode="json"), **changed})


def network(ranking: spec.Ranking, setting: Setting) -> Learnt:
    with tempfile.TemporaryDirectory() as directory:
        where = Path(directory) / "run"
        model, history = fit_ranking(setting.sets, ranking, seed=setting.seed, directory=where, progress=None)
    return Learnt(
        dict(predict(model, setting.test)), int(model.count_params()), *steps_of(history), models=(model,)
    )


def torch_network(ranking: spec.Ranking, setting: Setting) -> Learnt:
    from peers.torch_rechub import rechub  # its package need not be here

    sets = setting.sets
    inputs = sets.preprocessor.inputs(*PARTS, id_dim=RANKING_ID_DIM)
    peer, history = rechub(
        inputs, ranking, sets.ranking.examples, sets.validation.examples, seed=setting.seed
    )
    return Learnt(peer.predict(setting.test.examples), peer.parameters, *steps_of(history))


def steps_of(history: History) -> tuple[float, float]:
    """Return the rows of all training steps, and their seconds."""
    seconds = sum(epoch.seconds for epoch in history.epochs)
    return sum(epoch.seconds * epoch.rows_per_second for epoch in history.epochs), seconds


def single_tasks(setting: Setting) -> Learnt:
    """Train a model a task, one after the other."""
    found = [network(single_task(setting.ranking, task.name), setting) for task in setting.ranking.tasks]
    predictions = {name: value for learnt in found for name, value in learnt.predictions.items()}
    size = sum(learnt.parameters or 0 for learnt in found)
    models = tuple(model for learnt in found for model in learnt.models)
    return Learnt(predictions, size, found[0].rows, sum(learnt.seconds for learnt in found), models)


CONTENDERS = (
    *("ours", "ours+uncertainty", *sorted(ARCHITECTURES), "escm2_ips"),
    *(f"{TORCH}mmoe", f"{TORCH}ple"),
    *(ALONE, "regression", "lightgbm"),
)
WITHOUT = (OURS, *ABLATIONS, "ours+uncertainty", ALONE)

if __name__ == "__main__":
    main()
