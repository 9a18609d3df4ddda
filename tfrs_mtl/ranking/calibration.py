"""Probabilities that mean what they say: a slope and a shift of each task's logit, fitted after training."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_STEPS = 50
_CLOSE = 1e-9


class Calibration(NamedTuple):
    """The calibrated logit is ``slope * logit + shift``; a positive slope leaves the order as it is."""

    slope: float = 1.0
    shift: float = 0.0


def platt(logits: NDArray[np.float64], labels: NDArray[np.float64]) -> Calibration:
    """Fit a logistic regression of labels on logits (Platt 1999), with the identity as a prior.

    The prior (a unit normal about slope 1 and shift 0) decides where there are few labels. Found by Newton's
    method with halved steps; the loss is strictly convex.

    Args:
        logits: of rows that the model did not learn from, [n].
        labels: 0 or 1, [n].

    Returns:
        The identity where the fit would turn the order round.
    """
    inputs = np.stack([logits, np.ones_like(logits)], axis=1)
    prior = fitted = np.array([1.0, 0.0])

    def loss(weights: NDArray[np.float64]) -> float:
        z = inputs @ weights
        return float(np.sum(np.logaddexp(0, z) - labels * z) + np.sum((weights - prior) ** 2) / 2)

    for _ in range(_STEPS):
        probability = (1 + np.tanh(inputs @ fitted / 2)) / 2
        gradient = inputs.T @ (probability - labels) + (fitted - prior)
        spread = probability * (1 - probability)
        step = np.linalg.solve((inputs.T * spread) @ inputs + np.eye(2), gradient)
        while np.abs(step).max() > _CLOSE and loss(fitted - step) > loss(fitted):
            step = step / 2
        fitted = fitted - step
        if np.abs(step).max() <= _CLOSE:
            break
    slope, shift = fitted.tolist()
    return Calibration(slope, shift) if slope > 0 else Calibration()
