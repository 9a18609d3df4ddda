"""Mean and spread of a regression's labels, from the training window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl import spec


@dataclass(frozen=True)
class LabelStatistics:
    """By which a head standardises: (label - mean) / std."""

    mean: float = 0.0
    std: float = 1.0


def label_statistics(
    labels: Mapping[str, NDArray[np.float32]], tasks: Iterable[spec.Task]
) -> dict[str, LabelStatistics]:
    """Return the statistics of each regression task over the rows it learns from."""
    return {
        task.name: _statistics(np.asarray(labels[task.name], np.float64)[learnt_rows(labels, task)])
        for task in tasks
        if task.kind == "regression"
    }


def learnt_rows(labels: Mapping[str, NDArray[np.float32]], task: spec.Task) -> NDArray[np.bool_]:
    """Say which rows teach a task, [n]: those with a label whose ``when``, if any, came true."""
    known: NDArray[np.bool_] = np.isfinite(labels[task.name])
    if task.when is not None and task.when in labels:
        known &= labels[task.when] == 1
    return known


def _statistics(values: NDArray[np.float64]) -> LabelStatistics:
    if len(values) == 0:
        return LabelStatistics()
    return LabelStatistics(float(values.mean()), float(values.std()) or 1.0)
