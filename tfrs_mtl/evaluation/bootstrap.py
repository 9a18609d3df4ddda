"""Percentile intervals by resampling queries, for one contender and for the difference of two.

The rows of one query depend on each other, so whole queries are drawn (a cluster bootstrap; Efron and
Tibshirani 1993, chapters 8 and 13). Two contenders drawn with one seed share their resamples: their
difference is paired. A calibration error grows by resampling, so the interval of ``ece`` lies high, even
above its value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tfrs_mtl.evaluation.arrays import Codes, Floats, Integers, Numbers
from tfrs_mtl.evaluation.class_metrics import confusion_cells, quadratic_kappa
from tfrs_mtl.evaluation.labelled_rows import LabelledRows
from tfrs_mtl.evaluation.ranking_metrics import binary_metrics, regression_metrics
from tfrs_mtl.evaluation.resampling import Samples, resample_binary, resample_means, resample_regression
from tfrs_mtl.evaluation.retrieval_metrics import RetrievalMetrics


class Interval(NamedTuple):
    """A value with the bounds of its interval; NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Bootstrap:
    """One contender's metrics, as measured and in each resample.

    Attributes:
        values: metric -> its value on all rows.
        samples: metric -> ``[resamples]``; absent for a metric that is not resampled.
        queries: ``[queries]`` the queries that were drawn from.
        seed: the seed of the draws.
        resamples: the number of draws.
    """

    values: Mapping[str, float]
    samples: Mapping[str, Floats]
    queries: Integers
    seed: int
    resamples: int

    def intervals(self, *, confidence: float = 0.95) -> dict[str, Interval]:
        """Return metric -> value and percentile interval."""
        return {name: _interval(v, self.samples.get(name), confidence) for name, v in self.values.items()}

    def difference(self, other: Bootstrap, *, confidence: float = 0.95) -> dict[str, Interval]:
        """Return metric -> this value less the other contender's, with the interval of the paired difference.

        Raises:
            ValueError: if the two were not drawn alike: the same queries, seed and number of resamples.
        """
        draws = (self.seed, self.resamples), (other.seed, other.resamples)
        if draws[0] != draws[1] or not np.array_equal(self.queries, other.queries):
            raise ValueError(
                f"expected the same queries, seed and resamples of both, got (seed, resamples) {draws}"
            )
        differences = {}
        for name in self.values.keys() & other.values.keys():
            both = name in self.samples and name in other.samples
            samples = self.samples[name] - other.samples[name] if both else None
            differences[name] = _interval(self.values[name] - other.values[name], samples, confidence)
        return {name: differences[name] for name in self.values if name in differences}

    def joined(self, other: Bootstrap) -> Bootstrap:
        """Return the metrics of both; they were drawn alike, from the same rows."""
        both = {**self.values, **other.values}, {**self.samples, **other.samples}
        return Bootstrap(*both, self.queries, self.seed, self.resamples)


def bootstrap_retrieval(metrics: RetrievalMetrics, *, seed: int, resamples: int = 200) -> Bootstrap:
    """Resample the evaluated queries of a retrieval.

    Coverage has a value but no interval: it is a property of all lists together, and a resample, holding
    fewer distinct queries, would always cover less.
    """
    names = list(metrics.per_query)
    columns = np.stack([metrics.per_query[name] for name in names], axis=1)  # [queries, metrics]
    number = len(metrics.queries)
    means = [weight @ columns / number for weight in query_weights(number, seed=seed, resamples=resamples)]
    samples = dict(zip(names, np.asarray(means).T, strict=True)) if number else {}
    return Bootstrap(metrics.means(), samples, metrics.queries, seed, resamples)


def bootstrap_binary(
    labels: Numbers, predictions: Numbers, *, queries: Codes, seed: int, resamples: int = 200
) -> Bootstrap:
    """Measure a binary task and resample its queries; see :func:`binary_metrics` for the arguments."""
    values = binary_metrics(labels, predictions, queries=queries).values()
    rows = LabelledRows.select(labels, predictions, queries)
    return _bootstrap(values, rows, resample_binary, seed=seed, resamples=resamples)


def bootstrap_regression(
    labels: Numbers, predictions: Numbers, *, queries: Codes, seed: int, resamples: int = 200
) -> Bootstrap:
    """Measure a regression task and resample its queries; see :func:`regression_metrics`."""
    values = regression_metrics(labels, predictions).values()
    rows = LabelledRows.select(labels, predictions, queries)
    return _bootstrap(values, rows, resample_regression, seed=seed, resamples=resamples)


def bootstrap_means(
    labels: Numbers, columns: Mapping[str, Numbers], *, queries: Codes, seed: int, resamples: int = 200
) -> Bootstrap:
    """Measure the mean of each column [rows] over the rows with a label, and resample the queries."""
    values: dict[str, float] = {}
    samples: dict[str, Floats] = {}
    for name, column in columns.items():
        rows = LabelledRows.select(labels, column, queries)
        drawn = _bootstrap({}, rows, resample_means, seed=seed, resamples=resamples)
        values[name] = float(rows.predictions.mean()) if len(rows.predictions) else float("nan")
        if "mean" in drawn.samples:
            samples[name] = drawn.samples["mean"]
    return Bootstrap(values, samples, np.unique(queries[~np.isnan(labels)]), seed, resamples)


def bootstrap_kappa(
    labels: Numbers, predictions: Numbers, *, classes: Floats, queries: Codes, seed: int, resamples: int = 200
) -> Bootstrap:
    """Measure the quadratic kappa of ratings, predicted ones taken to the nearest class; resample queries."""
    rows = LabelledRows.select(labels, predictions, queries)
    cells = confusion_cells(rows.labels, rows.predictions, classes)

    def kappa(weights: Floats) -> float:
        counts = np.bincount(cells, weights[rows.queries], minlength=len(classes) ** 2)
        return quadratic_kappa(counts.astype(np.float64).reshape(len(classes), -1))

    number = len(rows.names)
    samples = [kappa(weight) for weight in query_weights(number, seed=seed, resamples=resamples)]
    values = {"kappa": kappa(np.ones(number)) if number else float("nan")}
    return Bootstrap(values, {"kappa": np.asarray(samples)} if number else {}, rows.names, seed, resamples)


def query_weights(queries: int, *, seed: int, resamples: int) -> Iterator[Floats]:
    """Yield for each resample how often each query was drawn, ``[queries]``, summing to ``queries``."""
    random = np.random.default_rng(seed)
    for _ in range(resamples if queries else 0):
        yield np.bincount(random.integers(0, queries, queries), minlength=queries).astype(np.float64)


def _bootstrap(
    values: dict[str, float],
    rows: LabelledRows,
    resample: Callable[[LabelledRows, Iterable[Floats]], Samples],
    *,
    seed: int,
    resamples: int,
) -> Bootstrap:
    samples = (
        resample(rows, query_weights(len(rows.names), seed=seed, resamples=resamples))
        if len(rows.names)
        else {}
    )
    return Bootstrap(values, samples, rows.names, seed, resamples)


def _interval(value: float, samples: Floats | None, confidence: float) -> Interval:
    usable = samples[np.isfinite(samples)] if samples is not None else np.zeros(0)
    if not len(usable) or np.isnan(value):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(usable, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high))
