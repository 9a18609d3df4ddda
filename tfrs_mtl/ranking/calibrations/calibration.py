"""What is done to a task's logits so that its probabilities mean what they say."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KNOTS = 8


class Calibration(NamedTuple):
    """z -> slope z + shift + sum_k bends_k max(z - knots_k, 0), ascending, so no order changes.

    Attributes:
        knots, bends: at most 8.
    """

    slope: float = 1.0
    shift: float = 0.0
    knots: tuple[float, ...] = ()
    bends: tuple[float, ...] = ()

    def apply(self, logits: Floats) -> Floats:
        """Return the calibrated logits, [n]."""
        beyond = np.maximum(logits[:, np.newaxis] - np.array(self.knots), 0)
        return np.asarray(self.slope * logits + self.shift + beyond @ np.array(self.bends))
