"""The curves of one task on the test window: ROC, precision and recall, reliability."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from tfrs_mtl.evaluation.reliability import Bins, bins_of

Floats = NDArray[np.float64]

_POINTS = 200


class Curve(NamedTuple):
    """A line through points, both [points]."""

    x: Floats
    y: Floats


class TaskCurves(NamedTuple):
    """What is drawn of a task.

    Attributes:
        roc, precision: None where the task is not binary, or the window holds one class alone.
        bins: mean prediction beside mean label.
        base: mean label.
    """

    task: str
    roc: Curve | None
    precision: Curve | None
    bins: Bins
    base: float


def curves_of(
    task: str, labels: NDArray[np.float32], predictions: NDArray[np.float32], *, is_binary: bool
) -> TaskCurves | None:
    """Return a task's curves over the rows with a label; None where there are none.

    Args:
        labels, predictions: [rows]; a NaN label is left out.
    """
    known = np.isfinite(labels)
    truth, found = labels[known].astype(np.float64), predictions[known].astype(np.float64)
    if not len(truth):
        return None
    roc = precision = None
    if is_binary and 0 < truth.sum() < len(truth):
        false, true, _ = roc_curve(truth, found)
        share, recall, _ = precision_recall_curve(truth, found)
        roc, precision = _thinned(false, true), _thinned(recall[::-1], share[::-1])
    return TaskCurves(task, roc, precision, bins_of(truth, found), float(truth.mean()))


def _thinned(x: Floats, y: Floats) -> Curve:
    chosen = np.unique(np.linspace(0, len(x) - 1, min(_POINTS, len(x))).astype(np.int64))
    return Curve(x[chosen], y[chosen])
