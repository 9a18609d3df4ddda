"""Logistic regression on a few inputs, drawn to a prior."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEPS = 50
_CLOSE = 1e-9


def logistic_regression(inputs: Floats, labels: Floats, *, prior: Floats) -> list[float]:
    """Return the weights [inputs] by Newton's method with halved steps; the loss is strictly convex.

    A unit normal about ``prior`` decides where there are few labels.

    Args:
        inputs: [n, inputs].
        labels: 0 or 1, [n].
    """
    fitted = prior

    def loss(weights: Floats) -> float:
        z = inputs @ weights
        return float(np.sum(np.logaddexp(0, z) - labels * z) + np.sum((weights - prior) ** 2) / 2)

    for _ in range(_STEPS):
        probability = (1 + np.tanh(inputs @ fitted / 2)) / 2
        gradient = inputs.T @ (probability - labels) + (fitted - prior)
        spread = probability * (1 - probability)
        step = np.linalg.solve((inputs.T * spread) @ inputs + np.eye(len(prior)), gradient)
        while np.abs(step).max() > _CLOSE and loss(fitted - step) > loss(fitted):
            step = step / 2
        fitted = fitted - step
        if np.abs(step).max() <= _CLOSE:
            break
    return [float(weight) for weight in fitted]
