"""Calibrations: from a task's logits to logits whose probabilities mean what they say, fitted after training.

To add one: a function of logits and labels that returns a ``Calibration``, its line in ``CALIBRATIONS``, and
its name in ``spec/ranking.py``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.ranking.calibrations.calibration import Calibration, Floats
from tfrs_mtl.ranking.calibrations.choice import Fit, choose
from tfrs_mtl.ranking.calibrations.isotonic import isotonic
from tfrs_mtl.ranking.calibrations.linear import none, platt, temperature

__all__ = ["CALIBRATIONS", "Calibration", "calibration_of"]

CALIBRATIONS: dict[str, Fit] = {
    "none": none,
    "temperature": temperature,
    "platt": platt,
    "isotonic": isotonic,
}
"""Name in the spec -> fit, the simplest first."""

AUTO = "auto"


def calibration_of(name: str, logits: Floats, labels: Floats, times: NDArray[np.int64]) -> Calibration:
    """Fit the calibration of a name, or the one that ``auto`` chooses, to rows [n] not learnt from."""
    if name == AUTO:
        name = choose(CALIBRATIONS, logits, labels, times, fallback="temperature")
    return CALIBRATIONS[name](logits, labels)
