"""The ranking metrics of many resamples of the queries, from one sort of the rows.

A resample is a weight a query: how often it was drawn. A metric of weighted rows equals the metric of rows
repeated that often. Sums are taken per query once; what depends on the order of all rows walks the sorted
rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np

from tfrs_mtl.evaluation.arrays import Floats
from tfrs_mtl.evaluation.labelled_rows import LabelledRows
from tfrs_mtl.evaluation.ranking_metrics import auc_by_query, bin_starts, entropy, log_losses

Samples: TypeAlias = dict[str, Floats]
"""Metric -> its value in each resample, ``[resamples]``."""


def resample_binary(rows: LabelledRows, weights: Iterable[Floats]) -> Samples:
    """Return the metrics of :class:`BinaryMetrics` for each resample.

    Args:
        rows: the labelled rows; not empty.
        weights: for each resample ``[queries]`` whole numbers, 0 or more.
    """
    if not rows.is_finite():
        return {}
    metrics: list[Callable[[Floats], dict[str, float]]] = [_order_metrics(rows), _gauc(rows)]
    if rows.are_probabilities():
        metrics += [_likelihood(rows), _calibration_error(rows)]
    return _collect(metrics, weights)


def resample_regression(rows: LabelledRows, weights: Iterable[Floats]) -> Samples:
    """Return the metrics of :class:`RegressionMetrics` for each resample; see :func:`resample_binary`."""
    if not rows.is_finite():
        return {}
    return _collect([_errors(rows), _spearman(rows)], weights)


def resample_means(rows: LabelledRows, weights: Iterable[Floats]) -> Samples:
    """Return the mean prediction, under ``mean``, for each resample; see :func:`resample_binary`."""
    sums = _sums(rows, rows.predictions, np.ones(len(rows.labels)))

    def measure(weight: Floats) -> dict[str, float]:
        total, count = weight @ sums
        return {"mean": float(total / count)}

    return _collect([measure], weights)


def _collect(metrics: list[Callable[[Floats], dict[str, float]]], weights: Iterable[Floats]) -> Samples:
    samples: dict[str, list[float]] = {}
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 is the NaN of a metric without a meaning
        for weight in weights:
            for metric in metrics:
                for name, value in metric(weight).items():
                    samples.setdefault(name, []).append(value)
    return {name: np.asarray(values, dtype=np.float64) for name, values in samples.items()}


def _order_metrics(rows: LabelledRows) -> Callable[[Floats], dict[str, float]]:
    """Prepare AUC and average precision as sums over the positive rows, given what stands above each."""
    order = np.argsort(-rows.predictions, kind="stable")
    positive = order[rows.labels[order] > 0]
    negative = order[rows.labels[order] == 0]
    wanted = -rows.predictions[positive]
    higher = np.searchsorted(-rows.predictions[negative], wanted, side="left")
    as_high = np.searchsorted(-rows.predictions[negative], wanted, side="right")
    positives_as_high = np.searchsorted(wanted, wanted, side="right")
    positive_queries, negative_queries = rows.queries[positive], rows.queries[negative]

    def measure(weight: Floats) -> dict[str, float]:
        drawn = weight[positive_queries]
        found = _running_sum(drawn)
        missed = _running_sum(weight[negative_queries])
        pairs = found[-1] * missed[-1]
        if not pairs:
            return {"auc": float("nan"), "pr_auc": float("nan")}
        lost = _dot(drawn, missed[higher] + missed[as_high]) / 2
        hits = found[positives_as_high]
        precision = hits / np.maximum(hits + missed[as_high], 1)
        return {"auc": float(1 - lost / pairs), "pr_auc": float(_dot(drawn, precision) / found[-1])}

    return measure


def _gauc(rows: LabelledRows) -> Callable[[Floats], dict[str, float]]:
    by_query = auc_by_query(rows)
    sizes = np.where(np.isnan(by_query), 0, np.bincount(rows.queries))
    sums = np.stack([np.nan_to_num(by_query) * sizes, sizes], axis=1)

    def measure(weight: Floats) -> dict[str, float]:
        won, size = weight @ sums
        return {"gauc": float(won / size)}

    return measure


def _likelihood(rows: LabelledRows) -> Callable[[Floats], dict[str, float]]:
    losses = log_losses(rows.labels, rows.predictions)
    sums = _sums(rows, losses, rows.predictions, rows.labels, np.ones(len(losses)))

    def measure(weight: Floats) -> dict[str, float]:
        loss, predicted, positives, count = weight @ sums
        base = entropy(positives / count)
        return {
            "log_loss": float(loss / count),
            "normalised_entropy": float(loss / count / base) if base > 0 else float("nan"),
            "pcoc": float(predicted / positives) if positives else float("nan"),
        }

    return measure


def _calibration_error(rows: LabelledRows) -> Callable[[Floats], dict[str, float]]:
    order = np.argsort(rows.predictions, kind="stable")
    ordered, queries = rows.predictions[order], rows.queries[order]
    gaps = ordered - rows.labels[order]

    def measure(weight: Floats) -> dict[str, float]:
        row_weight = weight[queries]
        total = row_weight.sum()
        by_bin = np.add.reduceat(row_weight * gaps, bin_starts(ordered, row_weight))
        return {"ece": float(np.abs(by_bin).sum() / total)}

    return measure


def _errors(rows: LabelledRows) -> Callable[[Floats], dict[str, float]]:
    errors = rows.predictions - rows.labels
    centred = (
        rows.labels - rows.labels.mean()
    )  # the spread of a resample is then a difference of small numbers
    sums = _sums(rows, np.square(errors), np.abs(errors), centred, np.square(centred), np.ones(len(errors)))

    def measure(weight: Floats) -> dict[str, float]:
        squared, absolute, label, label_squared, count = weight @ sums
        spread = label_squared - label * label / count
        varies = spread > 1e-12 * label_squared
        return {
            "rmse": float(np.sqrt(squared / count)),
            "mae": float(absolute / count),
            "r2": float(1 - squared / spread) if varies else float("nan"),
        }

    return measure


def _spearman(rows: LabelledRows) -> Callable[[Floats], dict[str, float]]:
    runs = [np.unique(side, return_inverse=True)[1] for side in (rows.labels, rows.predictions)]

    def measure(weight: Floats) -> dict[str, float]:
        row_weight = weight[rows.queries]
        # How often each distinct value was drawn, from the lowest up.
        drawn = [np.bincount(run, weights=row_weight).astype(np.float64) for run in runs]
        ranks = [np.cumsum(d) - d / 2 - d.sum() / 2 for d in drawn]  # mean ranks, less their mean
        scale = np.sqrt(_dot(drawn[0], np.square(ranks[0])) * _dot(drawn[1], np.square(ranks[1])))
        return {"spearman": float(_dot(row_weight * ranks[0][runs[0]], ranks[1][runs[1]]) / scale)}

    return measure


def _running_sum(weights: Floats) -> Floats:
    """Return the sum of the first 0, 1, ... weights, ``[rows + 1]``."""
    return np.concatenate([[0.0], np.cumsum(weights)])


def _dot(first: Floats, second: Floats) -> float:
    # Not BLAS: on a busy machine its threads wait for each other, at several times the cost of the product.
    return float(np.einsum("i,i->", first, second))


def _sums(rows: LabelledRows, *columns: Floats) -> Floats:
    """Sum columns ``[rows]`` within each query, ``[queries, columns]``."""
    number = len(rows.names)
    return np.stack([np.bincount(rows.queries, weights=c, minlength=number) for c in columns], axis=1)
