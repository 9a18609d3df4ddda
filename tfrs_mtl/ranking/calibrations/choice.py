"""Which calibration a task gets: the one that holds for another stretch of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.ranking.calibrations.calibration import Calibration, Floats

Fit = Callable[[Floats, Floats], Calibration]
_FEWEST = 100


def choose(
    fits: Mapping[str, Fit], logits: Floats, labels: Floats, times: NDArray[np.int64], *, fallback: str
) -> str:
    """Return the name of the fit with the least log loss where each half calibrates for the other.

    A calibration is fitted on a window and used on later ones, so halves are by time: what catches the level
    of one half alone is found out in the other.

    Args:
        fits: name -> fit; the first wins among equals.
        logits, labels, times: of rows that the model did not learn from, [n].
        fallback: where a half has less than 100 labels of either kind.
    """
    late = times >= np.median(times) if len(times) else np.zeros(0, bool)
    halves = [np.flatnonzero(late == half) for half in (False, True)]
    if min(count for rows in halves for count in _counts(labels[rows])) < _FEWEST:
        return fallback
    losses = {
        name: sum(
            _loss(fit(logits[own], labels[own]).apply(logits[other]), labels[other])
            for own, other in (halves, reversed(halves))
        )
        for name, fit in fits.items()
    }
    return min(losses, key=lambda name: losses[name])


def _counts(labels: Floats) -> tuple[int, int]:
    ones = int(labels.sum())
    return ones, len(labels) - ones


def _loss(logits: Floats, labels: Floats) -> float:
    return float(np.mean(np.logaddexp(0, logits) - labels * logits))
