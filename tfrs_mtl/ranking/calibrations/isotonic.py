"""Ascending steps between logit and rate, joined by straight lines."""

from __future__ import annotations

import numpy as np

from tfrs_mtl.ranking.calibrations.calibration import KNOTS, Calibration, Floats

_PRIOR = 20.0
_ROWS = 200
_LEAST = 0.1


def isotonic(logits: Floats, labels: Floats) -> Calibration:
    """Fit an ascending line of 8 knots (isotonic regression of bins; Zadrozny and Elkan, KDD 2002).

    Rows are put in 8 bins of one size by logit. Each bin's rate of 1s, drawn to the mean of its own
    probabilities as if by 20 rows more, says how far its logits are off; bins that would turn the order round
    are pooled. Between the bins' mean logits the correction is linear, beyond them constant. The slope is 0.1
    at least: steps would make ties.

    Args:
        logits: of rows that the model did not learn from, [n].
        labels: 0 or 1, [n].
    """
    if not len(logits):
        return Calibration()
    order = np.argsort(logits, kind="stable")
    bins = np.array_split(order, min(KNOTS, max(len(logits) // _ROWS, 1)))
    where = np.array([logits[rows].mean() for rows in bins])
    own = np.array([(1 / (1 + np.exp(-logits[rows]))).mean() for rows in bins])
    sizes = np.array([float(len(rows)) for rows in bins])
    rates = (np.array([labels[rows].sum() for rows in bins]) + _PRIOR * own) / (sizes + _PRIOR)
    right = where + _logit(_ascending(rates, sizes)) - _logit(own)
    return _through(where, np.maximum.accumulate(right - _LEAST * where) + _LEAST * where)


def _ascending(values: Floats, weights: Floats) -> Floats:
    """Return the nearest ascending values by weighted squares: neighbours out of order are pooled."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        pools.append((float(value), float(weight), 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, m, i), (b, n, j) = pools[-2:]
            pools[-2:] = [((a * m + b * n) / (m + n), m + n, i + j)]
    return np.repeat([value for value, _, _ in pools], [size for _, _, size in pools])


def _through(where: Floats, right: Floats) -> Calibration:
    """Return the line through points, of slope 1 beyond them; of points at one place, through their mean."""
    places, of = np.unique(where, return_inverse=True)
    values = np.bincount(of, right) / np.bincount(of)
    slopes = np.concatenate([[1.0], np.diff(values) / np.diff(places), [1.0]])
    shift = float(values[0] - places[0])
    return Calibration(1.0, shift, tuple(places.tolist()), tuple(np.diff(slopes).tolist()))


def _logit(rates: Floats) -> Floats:
    inside = np.clip(rates, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(inside) - np.log1p(-inside))
