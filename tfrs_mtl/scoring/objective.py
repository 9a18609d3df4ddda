"""From each task's prediction to one score: chances undone of their sampling, then weighed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.ranking.shares import Share
from tfrs_mtl.spec import Task

Floats = NDArray[np.float32]


def as_shares(
    tasks: tuple[Task, ...],
    predictions: Mapping[str, Floats],
    exposure: Floats,
    shares: Mapping[str, Share] | None = None,
) -> dict[str, Floats]:
    """Turn probabilities among sampled negatives into chances among candidates; see ``Share``.

    Args:
        exposure: how many sampled negatives of each row's item a positive met in training, [n].
        shares: task -> its share; the others are the density ratio as it is, at most 1.

    Returns:
        The same tasks; binary ones without a condition as chances, the others as they are.
    """
    found = dict(predictions)
    for task in tasks:
        if task.kind == "binary" and task.when is None:
            probability = np.clip(predictions[task.name].astype(np.float64), 0, 1 - 1e-7)
            odds = probability / (1 - probability)
            if shares and task.name in shares:
                odds = shares[task.name].odds(odds, exposure)
                found[task.name] = (odds / (1 + odds)).astype(np.float32)
            else:
                found[task.name] = np.minimum(odds * exposure, 1).astype(np.float32)
    return found


def expected_value(
    tasks: tuple[Task, ...], predictions: Mapping[str, Floats], weights: Mapping[str, float]
) -> Floats:
    """Return the weighted sum of the tasks' expected values.

    A task under ``when`` counts with the probability that its condition comes true: the sum is over
    ``weight * P(when) * prediction``, along the whole chain of conditions.
    """
    by_name = {task.name: task for task in tasks}
    total = np.zeros_like(next(iter(predictions.values())))
    for name, weight in weights.items():
        value, parent = predictions[name], by_name[name].when
        while parent is not None:
            value, parent = value * predictions[parent], by_name[parent].when
        total = total + np.float32(weight) * value
    return np.asarray(total, np.float32)
