"""The quality of predicted classes and counts, row by row, and the agreement of ratings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tfrs_mtl.evaluation.arrays import Floats, Integers, Numbers
from tfrs_mtl.evaluation.ranking_metrics import CLIP


@dataclass(frozen=True)
class ClassChances:
    """What a contender says of a task that tells classes apart.

    Attributes:
        classes: their numbers, ascending, [classes].
        probabilities: [rows, classes].
    """

    classes: Floats
    probabilities: Floats

    @classmethod
    def of(cls, task: str, predictions: Mapping[str, Numbers]) -> ClassChances | None:
        """Find a task's classes among predictions under ``class_key``; None where there are none."""
        found = sorted((float(name.partition("#")[2]), name) for name in predictions if _is_of(name, task))
        if not found:
            return None
        columns = [predictions[name].astype(np.float64) for _, name in found]
        return cls(np.array([value for value, _ in found]), np.stack(columns, axis=1))

    def places(self, labels: Numbers) -> Integers:
        """Return each label's place among the classes, [rows]; -1 where it is none of them, or unknown."""
        near = np.abs(labels.astype(np.float64)[:, None] - self.classes).argmin(axis=1)
        return np.where(np.isclose(labels, self.classes[near], rtol=1e-5), near, -1)

    def log_losses(self, labels: Numbers) -> Floats:
        """Return -log P(label) of each row, [rows]; a class that training did not know has chance 1e-7."""
        places = self.places(labels)
        chances = np.take_along_axis(self.probabilities, np.maximum(places, 0)[:, None], axis=1)[:, 0]
        return np.asarray(-np.log(np.clip(np.where(places < 0, 0.0, chances), CLIP, 1.0)))

    def hits(self, labels: Numbers) -> Floats:
        """Say for each row whether the label is the likeliest class, 1 or 0, [rows]."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.places(labels), np.float64)


def deviances(labels: Numbers, predictions: Numbers) -> Floats:
    """Return the Poisson deviance 2 (y log(y / r) - y + r) of each row, [rows]; rates are at least 1e-7."""
    count, rate = labels.astype(np.float64), np.maximum(predictions.astype(np.float64), CLIP)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(count > 0, count * np.log(count / rate), 0.0)
    return np.asarray(2 * (np.where(np.isnan(count), np.nan, ratio) - count + rate))


def confusion_cells(labels: Numbers, predictions: Numbers, classes: Floats) -> Integers:
    """Return each row's cell (label, class nearest the prediction) of the flat confusion matrix, [rows]."""
    between = (classes[:-1] + classes[1:]) / 2
    return np.searchsorted(between, labels) * len(classes) + np.searchsorted(between, predictions)


def quadratic_kappa(confusion: Floats) -> float:
    """Return Cohen's kappa with quadratic weights of a matrix [classes, classes]; NaN without spread.

    1 - sum d^2 O / sum d^2 E, d the distance in classes, E what chance would give (Cohen 1968).
    """
    size = len(confusion)
    distance = np.square(np.subtract.outer(np.arange(size), np.arange(size)))
    chance = np.outer(confusion.sum(axis=1), confusion.sum(axis=0)) / max(confusion.sum(), 1)
    expected = float((distance * chance).sum())
    return 1 - float((distance * confusion).sum()) / expected if expected > 0 else float("nan")


def _is_of(name: str, task: str) -> bool:
    return name.startswith(f"{task}#")
