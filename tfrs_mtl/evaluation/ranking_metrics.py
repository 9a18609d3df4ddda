"""The quality of one task's predictions: order and calibration of a binary task, errors of a regression.

Rows whose label is NaN are left out. Where a metric has no meaning (no rows, one class only, a prediction
that is NaN or infinite) it is NaN, not an exception; JSON output writes null.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from tfrs_mtl.evaluation.arrays import Codes, Floats, Integers, Numbers
from tfrs_mtl.evaluation.labelled_rows import LabelledRows
from tfrs_mtl.evaluation.ranks import mean_ranks

BINS = 15
CLIP = (
    1e-7  # the resolution of float32 at 1: models answer in float32, and a saturated one gives exactly 0 or 1
)


@dataclass(frozen=True)
class BinaryMetrics:
    """A binary task's metrics; the last five need probabilities and are NaN for scores outside [0, 1].

    Attributes:
        rows: rows with a label.
        positives: rows whose label is 1.
        auc: area under the ROC curve, exact (scikit-learn), not binned.
        gauc: mean AUC within a query, weighted by its rows; without queries of one class (Zhou et al., KDD
            2018).
        pr_auc: average precision.
        log_loss: mean negative log-likelihood, natural logarithm.
        normalised_entropy: log loss / entropy of the base rate (He et al., ADKDD 2014); below 1 beats that
            rate.
        ece: expected calibration error over 15 bins of equal mass (Nguyen and O'Connor, EMNLP 2015).
        pcoc: sum of predictions / sum of labels; 1 is unbiased.
    """

    rows: int
    positives: int
    auc: float
    gauc: float
    pr_auc: float
    log_loss: float
    normalised_entropy: float
    ece: float
    pcoc: float

    def values(self) -> dict[str, float]:
        """Return metric -> value, without the counts."""
        return {f.name: getattr(self, f.name) for f in fields(self)[2:]}


@dataclass(frozen=True)
class RegressionMetrics:
    """A regression task's metrics.

    Attributes:
        rows: rows with a label.
        rmse: root of the mean squared error, in the label's unit.
        mae: mean absolute error, in the label's unit.
        r2: share of the label's variance explained; may be negative.
        spearman: correlation of the ranks; equal values share their mean rank.
    """

    rows: int
    rmse: float
    mae: float
    r2: float
    spearman: float

    def values(self) -> dict[str, float]:
        """Return metric -> value, without the count."""
        return {f.name: getattr(self, f.name) for f in fields(self)[1:]}


def binary_metrics(labels: Numbers, predictions: Numbers, *, queries: Codes) -> BinaryMetrics:
    """Compute a binary task's metrics.

    Args:
        labels: ``[rows]`` 0, 1 or NaN (unknown: left out).
        predictions: ``[rows]`` probabilities, or any scores for ``auc``, ``gauc`` and ``pr_auc``.
        queries: ``[rows]`` the query of each row, for ``gauc``.

    Raises:
        ValueError: if the shapes differ or a label is something else.
    """
    rows = LabelledRows.select(labels, predictions, queries)
    rows.check_binary()
    count, positives = len(rows.labels), int(rows.labels.sum())
    values = {f.name: float("nan") for f in fields(BinaryMetrics)[2:]}
    if count and rows.is_finite():
        if 0 < positives < count:
            values["auc"] = float(roc_auc_score(rows.labels, rows.predictions))
            values["pr_auc"] = float(average_precision_score(rows.labels, rows.predictions))
        values["gauc"] = _gauc(rows)
        if rows.are_probabilities():
            values |= _calibration(rows)
    return BinaryMetrics(count, positives, **values)


def regression_metrics(labels: Numbers, predictions: Numbers) -> RegressionMetrics:
    """Compute a regression task's metrics; both ``[rows]``, a NaN label is left out.

    Raises:
        ValueError: if the shapes differ.
    """
    rows = LabelledRows.select(labels, predictions, np.zeros(labels.shape, dtype=np.int64))
    count = len(rows.labels)
    if not count or not rows.is_finite():
        return RegressionMetrics(count, *[float("nan")] * 4)
    errors = rows.predictions - rows.labels
    spread = float(np.square(rows.labels - rows.labels.mean()).sum()) if np.ptp(rows.labels) > 0 else 0.0
    return RegressionMetrics(
        rows=count,
        rmse=float(np.sqrt(np.square(errors).mean())),
        mae=float(np.abs(errors).mean()),
        r2=1 - float(np.square(errors).sum()) / spread if spread > 0 else float("nan"),
        spearman=_correlation(mean_ranks(rows.labels), mean_ranks(rows.predictions)),
    )


def auc_by_query(rows: LabelledRows) -> Floats:
    """Return the AUC within each query, ``[queries]``, NaN where a query has one class only.

    It is the Mann-Whitney U of the ranks within the query, ties at their mean rank: one sort for all queries.
    """
    number = len(rows.names)
    sizes = np.bincount(rows.queries, minlength=number)
    positives = np.bincount(rows.queries, weights=rows.labels, minlength=number)
    negatives = sizes - positives
    before = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    ranks = mean_ranks(rows.predictions, within=rows.queries) - before[rows.queries]
    rank_sums = np.bincount(rows.queries, weights=ranks * rows.labels, minlength=number)
    with np.errstate(invalid="ignore"):
        return np.asarray((rank_sums - positives * (positives + 1) / 2) / (positives * negatives))


def log_losses(labels: Floats, predictions: Floats) -> Floats:
    """Return the negative log-likelihood of each row, predictions clipped to [1e-7, 1 - 1e-7]."""
    clipped = np.clip(predictions, CLIP, 1 - CLIP)
    return -np.where(labels > 0, np.log(clipped), np.log1p(-clipped))


def entropy(rate: Floats) -> Floats:
    """Return the entropy of coins that show 1 at these rates, in nats; 0 for a rate of 0 or 1."""
    inside = np.clip(rate, 1e-300, 1 - 1e-16)
    return np.where((rate > 0) & (rate < 1), -rate * np.log(inside) - (1 - rate) * np.log1p(-inside), 0.0)


def bin_starts(ordered: Floats, weights: Floats) -> Integers:
    """Return where bins of equal weight begin in ascending predictions: at most 15, each at a new value.

    Equal predictions stay in one bin, so a constant prediction at the base rate has an error of 0.
    """
    total = np.cumsum(weights)
    marks = np.floor(np.arange(BINS) * total[-1] / BINS)
    edges = ordered[np.minimum(np.searchsorted(total, marks, side="right"), len(ordered) - 1)]
    return np.unique(np.searchsorted(ordered, edges, side="left"))


def _gauc(rows: LabelledRows) -> float:
    by_query = auc_by_query(rows)
    mixed = ~np.isnan(by_query)
    if not mixed.any():
        return float("nan")
    return float(np.average(by_query[mixed], weights=np.bincount(rows.queries)[mixed]))


def _calibration(rows: LabelledRows) -> dict[str, float]:
    loss = float(log_losses(rows.labels, rows.predictions).mean())
    base = float(entropy(rows.labels.mean()))
    positives = float(rows.labels.sum())
    order = np.argsort(rows.predictions, kind="stable")
    starts = bin_starts(rows.predictions[order], np.ones(len(order)))
    gaps = np.add.reduceat((rows.predictions - rows.labels)[order], starts)
    return {
        "log_loss": loss,
        "normalised_entropy": loss / base if base > 0 else float("nan"),
        "ece": float(np.abs(gaps).sum()) / len(order),
        "pcoc": float(rows.predictions.sum()) / positives if positives else float("nan"),
    }


def _correlation(first: Floats, second: Floats) -> float:
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt(np.square(first).sum() * np.square(second).sum()))
    return float(first @ second) / scale if scale > 0 else float("nan")
