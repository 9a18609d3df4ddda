"""Every architecture on a simulated shop whose chances are known: where sharing helps, where it hurts.

A click, a cart given a click, a purchase given a cart. The shop sees what comes after a click for the
clicked alone; here the truth is known for all. `correlation` says how much the tasks have in common: at 0
nothing, at 1 they weigh everything alike, and then those who click are those who buy.

Per task, over all impressions of the test, clicked or not: `error`, the mean distance between predicted and
true chance; `bias`, mean predicted / mean true - 1; `auc`, of outcomes drawn for all. `all` is the chance
that all three come true, by which a shop ranks. `single_task` is a model a task, with embeddings of its own;
`ours` is what `tfrs-mtl init` proposes, cgc. `torch_mmoe` and `torch_ple` are those of `torch-rechub` with
the settings of `mmoe` and `ple` (extra `torch`). Figures are [mean, standard deviation] over seeds, which
decide the shop, its impressions, weights and order.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from peers.installed import TORCH, runnable
from rich.console import Console
from rich.table import Table
from simulated.shop import INPUTS, TASKS, Rows, impressions
from sklearn.metrics import roc_auc_score

from tfrs_mtl import spec
from tfrs_mtl.evaluation.ranking import mean_quality
from tfrs_mtl.ranking.architectures import ARCHITECTURES
from tfrs_mtl.ranking.model import RankingModel, single_task
from tfrs_mtl.training.fit import fit
from tfrs_mtl.training.history import History

SIZES = (30_000, 6_000, 20_000)
"""Impressions to learn from, to stop by, to judge by."""
CORRELATIONS = (0.0, 0.5, 1.0)
ALONE, OURS, RECIPE = "single_task", "ours", "cgc"
SETTINGS = {
    "tasks": TASKS,
    "hidden": (64,),
    "tower": (16,),
    "training": {"epochs": 15, "batch_size": 512, "learning_rate": 2e-3, "patience": 3},
}
BALANCES = get_args(spec.Ranking.model_fields["balance"].annotation)

Found = dict[str, NDArray[np.float32]]
Judged = Mapping[str, Mapping[str, Mapping[str, float]]]


class Learnt(NamedTuple):
    """A model's predictions of the test, its parameters, and its history."""

    predictions: Found
    parameters: int
    history: History


class Cost(NamedTuple):
    """What a contender's training took; rows a second are those of the training steps alone."""

    seconds: float
    parameters: int
    rows_per_second: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--correlations", type=_numbers, default=CORRELATIONS)
    parser.add_argument("--contenders", type=_names, help="of the table's names; default: all")
    parser.add_argument("--every-balance", action="store_true", help="for every architecture, not ours alone")
    given = parser.parse_args()
    contenders = chosen(given.contenders, every_balance=given.every_balance)
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    table = {
        str(correlation): summary([judge_all(contenders, correlation, s, costs) for s in range(given.seeds)])
        for correlation in given.correlations
    }
    for correlation, found in table.items():
        Console(width=150).print(shown(correlation, found))
    print(json.dumps({**table, "cost": {name: cost(of) for name, of in costs.items()}}))


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def chosen(names: Sequence[str] | None, *, every_balance: bool) -> dict[str, list[spec.Ranking]]:
    """Return contender -> its models' settings: one model, or one a task."""
    architectures: dict[str, Any] = {name: name for name in sorted(ARCHITECTURES)}
    architectures["escm2_ips"] = {"name": "escm2", "method": "ips"}
    architectures["esmm_over_cgc"] = {"name": "esmm", "over": "cgc"}
    found = {name: [ranking(architecture)] for name, architecture in architectures.items()}
    found |= {f"{TORCH}{name}": [ranking(name)] for name in ("mmoe", "ple")}
    found[ALONE] = [single_task(ranking("single"), task.name) for task in TASKS]
    for name, architecture in architectures.items():
        for balance in BALANCES[1:] if every_balance or name == RECIPE else ():
            found[f"{name}+{balance}"] = [ranking(architecture, balance=balance)]
    unknown = [name for name in names or () if name not in found]
    if unknown:
        sys.exit(f"--contenders: no {unknown[0]!r}; there are {', '.join(found)}")
    return {name: found[name] for name in runnable(names or found)}


def ranking(architecture: Any, **settings: Any) -> spec.Ranking:
    return spec.Ranking.model_validate({**SETTINGS, "architecture": architecture, **settings})


def judge_all(
    contenders: Mapping[str, list[spec.Ranking]],
    correlation: float,
    seed: int,
    costs: Mapping[str, list[Cost]],
) -> Judged:
    """Return contender -> task -> metric -> value for one shop; note the costs."""
    train, validation, test = impressions(correlation, sizes=SIZES, seed=seed)
    judged = {}
    for name, settings in contenders.items():
        began = time.perf_counter()
        train_one = torch_trained if name.startswith(TORCH) else trained
        models = [train_one(own, train, validation, test, seed) for own in settings]
        size, speed = sum(model.parameters for model in models), rows_per_second(models)
        costs[name].append(Cost(time.perf_counter() - began, size, speed))
        predicted = {task: chance for model in models for task, chance in model.predictions.items()}
        judged[name] = {task: metrics(*pair) for task, *pair in compared(predicted, test)}
        print(
            f"{correlation} seed {seed}: {name} in {costs[name][-1].seconds:.1f} s",
            file=sys.stderr,
            flush=True,
        )
    return {**({OURS: judged[RECIPE]} if RECIPE in judged else {}), **judged}


def trained(settings: spec.Ranking, train: Rows, validation: Rows, test: Rows, seed: int) -> Learnt:
    model = RankingModel(INPUTS, settings)

    def validate() -> float:
        return mean_quality(settings.tasks, validation.labels, model.predict(validation.features))

    with tempfile.TemporaryDirectory() as directory:
        where = Path(directory) / "run"
        found = fit(
            model, train.examples, settings=settings.training, seed=seed, validate=validate, directory=where
        )
    return Learnt(model.predict(test.features), int(model.count_params()), found)


def torch_trained(settings: spec.Ranking, train: Rows, validation: Rows, test: Rows, seed: int) -> Learnt:
    from peers.torch_rechub import rechub  # its package need not be here

    peer, history = rechub(INPUTS, settings, train.examples, validation.examples, seed=seed)
    return Learnt(peer.predict(test.examples), peer.parameters, history)


def rows_per_second(models: Sequence[Learnt]) -> float:
    """Return how many rows a second all models together got through."""
    epochs = [epoch for model in models for epoch in model.history.epochs]
    rows = sum(epoch.seconds * epoch.rows_per_second for epoch in epochs) / len(models)
    return rows / sum(epoch.seconds for epoch in epochs)


def compared(predicted: Found, test: Rows) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield each task, and ``all``, with predicted and true chances and the outcomes."""
    for task in TASKS:
        yield task.name, predicted[task.name], test.chances[task.name], test.outcomes[task.name]
    found = (predicted, test.chances, test.outcomes)
    yield "all", *(np.prod([of[task.name] for task in TASKS], axis=0) for of in found)


def metrics(predicted: Any, true: Any, outcomes: Any) -> dict[str, float]:
    return {
        "error": float(np.abs(predicted - true).mean()),
        "bias": float(predicted.mean() / true.mean() - 1),
        "auc": float(roc_auc_score(outcomes, predicted)),
    }


def summary(seeds: Sequence[Judged]) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Return contender -> task -> metric -> [mean, standard deviation] over the seeds."""
    return {
        name: {
            task: {metric: _spread([seed[name][task][metric] for seed in seeds]) for metric in values}
            for task, values in tasks.items()
        }
        for name, tasks in seeds[0].items()
    }


def _spread(values: Sequence[float]) -> list[float]:
    return [round(float(np.mean(values)), 4), round(float(np.std(values)), 4)]


def shown(correlation: str, found: Mapping[str, Any]) -> Table:
    """Return the table of one correlation."""
    title = f"Correlation {correlation}: error, bias, AUC; ! where the error is above that of {ALONE}"
    table = Table(title=f"{title} beyond both spreads")
    table.add_column("")
    tasks = [*(task.name for task in TASKS), "all"]
    for task in tasks:
        table.add_column(task, justify="right")
    for name, of in found.items():
        alone = found.get(ALONE, of)
        table.add_row(name, *(_cell(of[task], alone[task]) for task in tasks))
    return table


def _cell(own: Mapping[str, list[float]], alone: Mapping[str, list[float]]) -> str:
    (error, spread), (least, beside) = own["error"], alone["error"]
    mark = "!" if error - least > spread + beside else ""
    return f"{mark}{error:.3f} {own['bias'][0]:+.0%} {own['auc'][0]:.3f}"


def cost(found: Sequence[Cost]) -> dict[str, float]:
    return {
        "seconds": round(float(np.mean([c.seconds for c in found])), 1),
        "rows_per_s": round(float(np.mean([c.rows_per_second for c in found]))),
        "parameters": found[0].parameters,
    }


if __name__ == "__main__":
    main()
