"""What heads are told of their labels: mean and spread, classes and shares, from the training window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl import spec


@dataclass(frozen=True)
class LabelStatistics:
    """The labels that a task learns from.

    Attributes:
        mean, std: of all; by them a head standardises.
        log_mean, log_std: of the logarithms of those above 0.
        most: the largest.
        classes: of a task that tells classes apart, the distinct labels, ascending.
        shares: how many of the labels each class has, summing to 1.
    """

    mean: float = 0.0
    std: float = 1.0
    log_mean: float = 0.0
    log_std: float = 1.0
    most: float = 1.0
    classes: tuple[float, ...] = (0.0, 1.0)
    shares: tuple[float, ...] = (0.5, 0.5)

    def to_json(self) -> dict[str, Any]:
        """Return what ``json.dumps`` takes; ``from_json`` is its inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> LabelStatistics:
        """Return the statistics of which ``to_json`` came."""
        lists = {name: tuple(content[name]) for name in ("classes", "shares")}
        return cls(**{**content, **lists})


def label_statistics(
    labels: Mapping[str, NDArray[np.float32]], tasks: Iterable[spec.Task]
) -> dict[str, LabelStatistics]:
    """Return the statistics of each task that is not binary, over the rows it learns from."""
    return {
        task.name: _statistics(np.asarray(labels[task.name], np.float64)[learnt_rows(labels, task)], task)
        for task in tasks
        if task.kind != "binary"
    }


def learnt_rows(labels: Mapping[str, NDArray[np.float32]], task: spec.Task) -> NDArray[np.bool_]:
    """Say which rows teach a task, [n]: those with a label whose ``when``, if any, came true."""
    known: NDArray[np.bool_] = np.isfinite(labels[task.name])
    if task.when is not None and task.when in labels:
        known &= labels[task.when] == 1
    return known


def _statistics(values: NDArray[np.float64], task: spec.Task) -> LabelStatistics:
    if len(values) == 0:
        return LabelStatistics()
    found = LabelStatistics(*_moments(values), *_moments(np.log(values[values > 0])), float(values.max()))
    if not task.has_classes:
        return found
    classes, counts = np.unique(values, return_counts=True)
    if len(classes) == 1:  # there is nothing to tell apart, but a head needs two
        classes, counts = np.append(classes, classes + 1), np.append(counts, 0)
    shares = counts / counts.sum()
    return replace(found, classes=tuple(classes.tolist()), shares=tuple(shares.tolist()))


def _moments(values: NDArray[np.float64]) -> tuple[float, float]:
    if len(values) == 0:
        return 0.0, 1.0
    return float(values.mean()), float(values.std()) or 1.0
