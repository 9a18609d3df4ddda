"""The ranking metrics of many resamples of the queries, from one sort of the rows.

A resample is a weight a query: how often it was drawn. A metric of weighted rows equals the metric of rows
repeated that often. Sums are taken per query once; what depends on the order of all rows walks the sorted
rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np

from tfrs_mtl.evaluation.arrays import Floats, Integers
from tfrs_mtl.evaluation.labelled_rows import LabelledRows
from tfrs_mtl.evaluation.ranking_metrics import auc_by_query, bin_starts, entropy, log_losses
from tfrs_mtl.evaluation.ranks import run_starts

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


def _collect(metrics: list[Callable[[Floats], dict[str, float]]], weights: Iterable[Floats]) -> Samples:
    samples: dict[str, list[float]] = {}
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 is the NaN of a metric without a meaning
        for weight in weights:
            for metric in metrics:
                for name, value in metric(weight).items():
                    samples.setdefault(name, []).append(value)
    return {name: np.asarray(values, dtype=np.float64) for name, values in samples.items()}


def _order_metrics(rows: LabelledRows) -> Callable[[Floats], dict[str, float]]:
    order = np.argsort(-rows.predictions, kind="stable")  # best first, as precision wants it
    starts = run_starts(rows.predictions[order])
    queries, labels = rows.queries[order], rows.labels[order]

    def measure(weight: Floats) -> dict[str, float]:
        row_weight = weight[queries]
        found = np.add.reduceat(row_weight * labels, starts)
        drawn = np.add.reduceat(row_weight, starts)
        positives, total = np.cumsum(found), np.cumsum(drawn)
        negatives = total - positives
        missed = drawn - found
        pairs = positives[-1] * negatives[-1]
        won = missed @ (positives - found / 2)
        precision = positives / np.maximum(total, 1)
        return {
            "auc": float(won / pairs),
            "pr_auc": float(found @ precision / positives[-1]) if pairs > 0 else float("nan"),
        }

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
    sides = [(side, np.argsort(side, kind="stable")) for side in (rows.labels, rows.predictions)]
    sorted_sides = [(order, run_starts(side[order])) for side, order in sides]

    def measure(weight: Floats) -> dict[str, float]:
        row_weight = weight[rows.queries]
        first, second = (_centred_ranks(row_weight, order, starts) for order, starts in sorted_sides)
        scale = np.sqrt((row_weight @ np.square(first)) * (row_weight @ np.square(second)))
        return {"spearman": float((row_weight * first) @ second / scale)}

    return measure


def _centred_ranks(row_weight: Floats, order: Integers, starts: Integers) -> Floats:
    """Return the mean ranks that the rows would have if each were repeated, less their mean."""
    drawn = np.add.reduceat(row_weight[order], starts)
    total = np.cumsum(drawn)
    by_run = total - drawn / 2 - total[-1] / 2
    ranks = np.empty(len(order))
    ranks[order] = np.repeat(by_run, np.diff(np.append(starts, len(order))))
    return ranks


def _sums(rows: LabelledRows, *columns: Floats) -> Floats:
    """Sum columns ``[rows]`` within each query, ``[queries, columns]``."""
    number = len(rows.names)
    return np.stack([np.bincount(rows.queries, weights=c, minlength=number) for c in columns], axis=1)
