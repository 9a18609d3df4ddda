"""From each task's prediction to one score: chances undone of their sampling, then weighed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.spec import Task

Floats = NDArray[np.float32]


def as_shares(
    tasks: tuple[Task, ...], predictions: Mapping[str, Floats], exposure: Floats
) -> dict[str, Floats]:
    """Turn probabilities among sampled negatives into shares of what a query meets next.

    A model that tells positives from negatives drawn with density q(i), m to a positive, learns the odds
    P(i | query) / (m q(i)), whatever q is (the density ratio of logistic regression). Ranked by those odds,
    popular items lose what they were drawn too often for. So P(i | query) = odds * m q(i), which sums to 1
    over the catalogue: the chance that the query's next interaction is with this item.

    Args:
        exposure: m q(i) of each row's item, [n].

    Returns:
        The same tasks; binary ones without a condition as shares, the others as they are.
    """
    shares = dict(predictions)
    for task in tasks:
        if task.kind == "binary" and task.when is None:
            probability = np.clip(predictions[task.name].astype(np.float64), 0, 1 - 1e-7)
            share = probability / (1 - probability) * exposure
            shares[task.name] = np.minimum(share, 1).astype(np.float32)
    return shares


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
