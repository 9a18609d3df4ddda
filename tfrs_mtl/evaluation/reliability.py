"""Reliability of chances: what was predicted beside what came true, bin by bin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tfrs_mtl.evaluation.arrays import Floats, Integers, Numbers
from tfrs_mtl.evaluation.labelled_rows import LabelledRows
from tfrs_mtl.evaluation.ranking import Predictions
from tfrs_mtl.evaluation.ranking_metrics import bin_starts
from tfrs_mtl.spec import Task


class Bins(NamedTuple):
    """Rows in bins of equal size by prediction, ascending: mean prediction, mean label and rows, [bins]."""

    predicted: Floats
    actual: Floats
    rows: Integers

    def to_json(self) -> list[dict[str, float]]:
        """Return what ``json.dumps`` takes: a mapping a bin."""
        columns = (values.tolist() for values in self)
        return [dict(zip(self._fields, values, strict=True)) for values in zip(*columns, strict=True)]


def bins_of(labels: Numbers, predictions: Numbers) -> Bins:
    """Return at most 15 bins, those that the calibration error (``ece``) is summed over.

    Args:
        labels, predictions: [rows], at least one, without NaN.
    """
    order = np.argsort(predictions, kind="stable")
    starts = bin_starts(predictions[order], np.ones(len(order)))
    rows = np.diff(np.append(starts, len(order)))
    predicted, actual = (np.add.reduceat(values[order], starts) / rows for values in (predictions, labels))
    return Bins(predicted, actual, rows)


def reliability(labels: Numbers, predictions: Numbers) -> Bins | None:
    """Return the bins of the rows with a label; None where there is none, or a prediction is NaN."""
    rows = LabelledRows.select(labels, predictions, np.zeros(labels.shape, np.int64))
    return bins_of(rows.labels, rows.predictions) if len(rows.labels) and rows.is_finite() else None


def compare_reliability(
    tasks: tuple[Task, ...], labels: Mapping[str, Numbers], contenders: Mapping[str, Predictions]
) -> dict[str, dict[str, Bins]]:
    """Return binary task -> contender -> bins, where there are any."""
    return {
        task.name: {
            name: found
            for name, predictions in contenders.items()
            if task.name in predictions
            and (found := reliability(labels[task.name], predictions[task.name])) is not None
        }
        for task in tasks
        if task.kind == "binary"
    }
