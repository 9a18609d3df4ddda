"""A slope and a shift of the logit, or a slope alone."""

from __future__ import annotations

import numpy as np

from tfrs_mtl.ranking.calibrations.calibration import Calibration, Floats

_STEPS = 50
_CLOSE = 1e-9


def none(logits: Floats, labels: Floats) -> Calibration:
    """Leave the probabilities as they are."""
    return Calibration()


def platt(logits: Floats, labels: Floats) -> Calibration:
    """Fit a logistic regression of labels on logits (Platt 1999), with the identity as a prior.

    The prior (a unit normal about slope 1 and shift 0) decides where there are few labels.

    Args:
        logits: of rows that the model did not learn from, [n].
        labels: 0 or 1, [n].

    Returns:
        The identity where the fit would turn the order round.
    """
    slope, shift = _fit(np.stack([logits, np.ones_like(logits)], axis=1), labels, np.array([1.0, 0.0]))
    return Calibration(slope, shift) if slope > 0 else Calibration()


def temperature(logits: Floats, labels: Floats) -> Calibration:
    """Fit a slope alone (Guo et al., ICML 2017): how sure the model is, not how many labels are 1.

    How many are 1 changes with the time, and what is learnt of it in one window need not hold in the next.
    Arguments and prior as in ``platt``.
    """
    (slope,) = _fit(logits[:, np.newaxis], labels, np.ones(1))
    return Calibration(slope) if slope > 0 else Calibration()


def _fit(inputs: Floats, labels: Floats, prior: Floats) -> list[float]:
    """Return the weights of a logistic regression, by Newton's method with halved steps; it is convex."""
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
