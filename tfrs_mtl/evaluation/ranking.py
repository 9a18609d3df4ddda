"""Ranking contenders on the same rows: whoever gives each row a prediction for a task."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tfrs_mtl.evaluation.arrays import Codes, Floats, Numbers
from tfrs_mtl.evaluation.bootstrap import Interval, bootstrap_binary, bootstrap_regression
from tfrs_mtl.evaluation.ranking_metrics import binary_metrics, regression_metrics
from tfrs_mtl.spec import Task

Predictions = Mapping[str, Numbers]
"""Task -> prediction of each row, [n]; a contender may lack tasks."""


def compare_ranking(
    tasks: tuple[Task, ...],
    labels: Mapping[str, Numbers],
    contenders: Mapping[str, Predictions],
    *,
    queries: Codes,
    seed: int,
    resamples: int = 100,
) -> dict[str, dict[str, dict[str, Interval]]]:
    """Return task -> contender -> metric -> value with its bootstrap interval."""
    compared: dict[str, dict[str, dict[str, Interval]]] = {}
    for task in tasks:
        measure = bootstrap_binary if task.kind == "binary" else bootstrap_regression
        compared[task.name] = {
            name: measure(
                labels[task.name], predictions[task.name], queries=queries, seed=seed, resamples=resamples
            ).intervals()
            for name, predictions in contenders.items()
            if task.name in predictions
        }
    return compared


def constant_predictions(
    tasks: tuple[Task, ...], training: Mapping[str, Numbers], size: int
) -> dict[str, Floats]:
    """Return the mean training label of each task for every row: what knowing nothing gives."""
    means = {task.name: _mean(training[task.name]) for task in tasks}
    return {name: np.full(size, mean) for name, mean in means.items()}


def mean_quality(tasks: tuple[Task, ...], labels: Mapping[str, Numbers], predictions: Predictions) -> float:
    """Return the mean over tasks of AUC (binary) and R2 (regression), by which training stops early.

    A task that cannot be judged (one class, no label) is left out; NaN where none can.
    """
    values = []
    for task in tasks:
        if task.kind == "binary":
            found = binary_metrics(
                labels[task.name], predictions[task.name], queries=np.arange(len(labels[task.name]))
            )
            values.append(found.auc)
        else:
            values.append(regression_metrics(labels[task.name], predictions[task.name]).r2)
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")


def _mean(labels: Numbers) -> float:
    known = np.asarray(labels, np.float64)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else 0.0
