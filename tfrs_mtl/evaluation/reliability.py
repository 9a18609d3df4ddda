"""Reliability of chances: what was predicted beside what came true, bin by bin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tfrs_mtl.evaluation.arrays import Numbers
from tfrs_mtl.evaluation.labelled_rows import LabelledRows
from tfrs_mtl.evaluation.ranking import Predictions
from tfrs_mtl.evaluation.ranking_metrics import bin_starts
from tfrs_mtl.spec import Task


class Bin(NamedTuple):
    """Rows of about one prediction.

    Attributes:
        predicted: mean prediction.
        observed: share of the rows whose label is 1.
        rows: how many there are.
    """

    predicted: float
    observed: float
    rows: int


def reliability(labels: Numbers, predictions: Numbers) -> tuple[Bin, ...]:
    """Return at most 15 bins of equal mass, ascending: those of the calibration error (``ece``).

    Args:
        labels: [rows], 0, 1 or NaN (unknown: left out).
        predictions: [rows], probabilities.
    """
    rows = LabelledRows.select(labels, predictions, np.zeros(labels.shape, np.int64))
    if not len(rows.labels) or not rows.is_finite():
        return ()
    order = np.argsort(rows.predictions, kind="stable")
    starts = bin_starts(rows.predictions[order], np.ones(len(order)))
    sizes = np.diff(np.append(starts, len(order)))
    sums = (np.add.reduceat(side[order], starts) / sizes for side in (rows.predictions, rows.labels))
    return tuple(Bin(float(p), float(y), int(n)) for p, y, n in zip(*sums, sizes, strict=True))


def compare_reliability(
    tasks: tuple[Task, ...], labels: Mapping[str, Numbers], contenders: Mapping[str, Predictions]
) -> dict[str, dict[str, tuple[Bin, ...]]]:
    """Return binary task -> contender -> bins."""
    return {
        task.name: {
            name: reliability(labels[task.name], predictions[task.name])
            for name, predictions in contenders.items()
            if task.name in predictions
        }
        for task in tasks
        if task.kind == "binary"
    }
