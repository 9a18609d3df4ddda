"""Ranking contenders on the same rows: whoever gives each row a prediction for a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tfrs_mtl.evaluation.arrays import Codes, Floats, Numbers
from tfrs_mtl.evaluation.bootstrap import (
    Bootstrap,
    Interval,
    bootstrap_binary,
    bootstrap_kappa,
    bootstrap_means,
    bootstrap_regression,
)
from tfrs_mtl.evaluation.class_metrics import ClassChances, deviances
from tfrs_mtl.evaluation.ranking_metrics import binary_metrics, regression_metrics
from tfrs_mtl.spec import Task, class_key

Predictions = Mapping[str, Numbers]
"""Task, or one of its classes, -> prediction of each row, [n]; a contender may lack tasks."""


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
    draws = Draws(queries, seed, resamples)
    return {
        task.name: {
            name: _judged(task, labels[task.name], predictions, draws).intervals()
            for name, predictions in contenders.items()
            if task.name in predictions
        }
        for task in tasks
    }


class Draws(NamedTuple):
    """How intervals are drawn: the query of each row, the seed, how often."""

    queries: Codes
    seed: int
    resamples: int


def _judged(task: Task, labels: Numbers, predictions: Predictions, draws: Draws) -> Bootstrap:
    """Measure one contender by what its task's kind asks for."""
    given, drawn = predictions[task.name], draws._asdict()
    if task.kind == "binary":
        return bootstrap_binary(labels, given, **drawn)
    found = bootstrap_regression(labels, given, **drawn)
    if task.head == "poisson":
        found = found.joined(bootstrap_means(labels, {"deviance": deviances(labels, given)}, **drawn))
    chances = ClassChances.of(task.name, predictions) if task.has_classes else None
    if chances is None:
        return found
    columns = {"log_loss": chances.log_losses(labels), "accuracy": chances.hits(labels)}
    told = bootstrap_means(labels, columns, **drawn)
    if task.kind == "multiclass":
        return told
    return found.joined(told).joined(bootstrap_kappa(labels, given, classes=chances.classes, **drawn))


def constant_predictions(
    tasks: tuple[Task, ...], training: Mapping[str, Numbers], size: int
) -> dict[str, Floats]:
    """Return the mean training label of each task, and each class's share: what knowing nothing gives."""
    found: dict[str, float] = {}
    for task in tasks:
        known = np.asarray(training[task.name], np.float64)
        known = known[np.isfinite(known)]
        found[task.name] = float(known.mean()) if len(known) else 0.0
        for value in np.unique(known) if task.has_classes else ():
            found[class_key(task.name, value)] = float(np.mean(known == value))
    return {name: np.full(size, value) for name, value in found.items()}


def mean_quality(tasks: tuple[Task, ...], labels: Mapping[str, Numbers], predictions: Predictions) -> float:
    """Return the mean over tasks of what training stops early by; 1 is perfect, and higher is better.

    AUC of a binary task, R2 of an amount or a rating, and of classes the share of their entropy explained. A
    task that cannot be judged (one class, no label) is left out; NaN where none can.
    """
    values = [_quality(task, labels[task.name], predictions) for task in tasks]
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")


def _quality(task: Task, labels: Numbers, predictions: Predictions) -> float:
    if task.kind == "binary":
        return binary_metrics(labels, predictions[task.name], queries=np.arange(len(labels))).auc
    chances = ClassChances.of(task.name, predictions) if task.kind == "multiclass" else None
    if chances is None:
        return regression_metrics(labels, predictions[task.name]).r2
    known = ~np.isnan(labels)
    shares = np.unique(labels[known], return_counts=True)[1] / max(int(known.sum()), 1)
    whole = float(-(shares * np.log(shares)).sum())
    loss = chances.log_losses(labels)[known]
    return 1 - float(loss.mean()) / whole if whole > 0 else float("nan")
