"""A slope and a shift of the logit, or a slope alone."""

from __future__ import annotations

import numpy as np

from tfrs_mtl.ranking.calibrations.calibration import Calibration, Floats
from tfrs_mtl.ranking.logistic import logistic_regression


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
    inputs = np.stack([logits, np.ones_like(logits)], axis=1)
    slope, shift = logistic_regression(inputs, labels, prior=np.array([1.0, 0.0]))
    return Calibration(slope, shift) if slope > 0 else Calibration()


def temperature(logits: Floats, labels: Floats) -> Calibration:
    """Fit a slope alone (Guo et al., ICML 2017): how sure the model is, not how many labels are 1.

    How many are 1 changes with the time, and what is learnt of it in one window need not hold in the next.
    Arguments and prior as in ``platt``.
    """
    (slope,) = logistic_regression(logits[:, np.newaxis], labels, prior=np.ones(1))
    return Calibration(slope) if slope > 0 else Calibration()
