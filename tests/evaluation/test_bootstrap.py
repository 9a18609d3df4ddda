"""Intervals by resampling queries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfrs_mtl.evaluation import (
    ItemSets,
    binary_metrics,
    bootstrap_binary,
    bootstrap_regression,
    bootstrap_retrieval,
    regression_metrics,
    retrieval_metrics,
)
from tfrs_mtl.evaluation.bootstrap import query_weights
from tfrs_mtl.evaluation.labelled_rows import LabelledRows
from tfrs_mtl.evaluation.resampling import resample_binary, resample_regression

LEVELS = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
BINARY_ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([0.0, 1.0]), LEVELS), min_size=1, max_size=40
)
REGRESSION_ROWS = st.lists(st.tuples(st.integers(0, 3), LEVELS, LEVELS), min_size=1, max_size=40)
WEIGHTS = st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any)


def columns(rows: list[tuple[int, float, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    array = np.array(rows)
    return array[:, 0].astype(np.int64), array[:, 1], array[:, 2]


def assert_equal_metrics(samples: dict[str, np.ndarray], expected: dict[str, float]) -> None:
    assert samples.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(samples[name], [value], rtol=1e-9, atol=1e-12, err_msg=name)


def repeated(queries: np.ndarray, weights: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Each row as often as its query was drawn, with query codes that tell the draws apart."""
    times = np.array(weights)[queries]
    rows = np.repeat(np.arange(len(queries)), times)
    draws = np.concatenate([np.arange(t) for t in times]) if len(rows) else np.zeros(0)
    return rows, (queries[rows] * 10 + draws).astype(np.int64)


@settings(deadline=None)
@given(BINARY_ROWS, WEIGHTS)
def test_a_binary_resample_is_measured_as_if_the_rows_of_each_query_were_repeated(
    rows: list[tuple[int, float, float]], weights: list[int]
) -> None:
    queries, labels, predictions = columns(rows)
    kept, drawn = repeated(queries, weights)
    if not len(kept):
        return
    selected = LabelledRows.select(labels, predictions, queries)
    samples = resample_binary(selected, [np.array(weights, dtype=np.float64)[selected.names]])
    assert_equal_metrics(samples, binary_metrics(labels[kept], predictions[kept], queries=drawn).values())


@settings(deadline=None)
@given(REGRESSION_ROWS, WEIGHTS)
def test_a_regression_resample_is_measured_as_if_the_rows_of_each_query_were_repeated(
    rows: list[tuple[int, float, float]], weights: list[int]
) -> None:
    queries, labels, predictions = columns(rows)
    kept, _ = repeated(queries, weights)
    if not len(kept):
        return
    selected = LabelledRows.select(labels, predictions, queries)
    samples = resample_regression(selected, [np.array(weights, dtype=np.float64)[selected.names]])
    assert_equal_metrics(samples, regression_metrics(labels[kept], predictions[kept]).values())


def test_each_resample_draws_as_many_queries_as_there_are() -> None:
    weights = np.array(list(query_weights(50, seed=1, resamples=300)))
    assert weights.shape == (300, 50)
    assert (weights.sum(axis=1) == 50).all()
    np.testing.assert_allclose(weights.var(axis=0).mean(), 1 - 1 / 50, rtol=0.1)


def test_the_interval_of_a_mean_has_the_width_that_its_standard_error_says() -> None:
    hits = np.random.default_rng(0).random(2000) < 0.3
    recommended = np.where(hits, 1, 0)[:, None]
    relevant = ItemSets.from_pairs(np.arange(2000), np.ones(2000, dtype=np.int64), number=2000)
    metrics = retrieval_metrics(recommended, relevant, ks=[1], catalogue=2)
    found = bootstrap_retrieval(metrics, seed=4, resamples=2000).intervals()
    error = 1.96 * math.sqrt(hits.mean() * (1 - hits.mean()) / 2000)
    assert found["recall@1"].value == hits.mean()
    assert found["recall@1"].low == pytest.approx(hits.mean() - error, abs=0.15 * error)
    assert found["recall@1"].high == pytest.approx(hits.mean() + error, abs=0.15 * error)
    assert found["coverage@1"].value == 1
    assert math.isnan(found["coverage@1"].low)


def clustered(queries: int = 60, rows: int = 50) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    base = np.repeat(random.beta(1, 2, queries), rows)
    labels = (random.random(queries * rows) < base) * 1.0
    return np.repeat(np.arange(queries), rows), labels, base


def test_rows_of_one_query_are_drawn_together_so_the_interval_is_wider_than_that_of_free_rows() -> None:
    queries, labels, predictions = clustered()
    together = bootstrap_binary(labels, predictions, queries=queries, seed=0).intervals()["pcoc"]
    free = bootstrap_binary(labels, predictions, queries=np.arange(len(labels)), seed=0).intervals()[
        "log_loss"
    ]
    tied = bootstrap_binary(labels, predictions, queries=queries, seed=0).intervals()["log_loss"]
    assert together.low < together.value < together.high
    assert tied.high - tied.low > 2 * (free.high - free.low)


def test_the_paired_difference_sees_what_two_separate_intervals_cannot() -> None:
    queries, labels, predictions = clustered()
    worse = np.clip(predictions + 0.1, 0, 1)
    first = bootstrap_binary(labels, predictions, queries=queries, seed=0)
    second = bootstrap_binary(labels, worse, queries=queries, seed=0)
    better, other = first.intervals()["log_loss"], second.intervals()["log_loss"]
    assert better.high > other.low
    difference = first.difference(second)["log_loss"]
    assert difference.value == pytest.approx(better.value - other.value)
    assert difference.low < difference.value < difference.high < 0


def test_a_contender_against_itself_differs_by_nothing() -> None:
    queries, labels, predictions = clustered()
    first = bootstrap_binary(labels, predictions, queries=queries, seed=0)
    assert all(interval == (0, 0, 0) for interval in first.difference(first).values())


def test_the_same_seed_draws_the_same_and_another_seed_another_sample() -> None:
    queries, labels, predictions = clustered()
    first, again, other = (
        bootstrap_regression(labels, predictions, queries=queries, seed=s) for s in (1, 1, 2)
    )
    assert first.intervals() == again.intervals()
    assert first.intervals() != other.intervals()


def test_contenders_drawn_otherwise_are_not_compared() -> None:
    queries, labels, predictions = clustered()
    first = bootstrap_binary(labels, predictions, queries=queries, seed=0)
    for other in (
        bootstrap_binary(labels, predictions, queries=queries, seed=1),
        bootstrap_binary(labels, predictions, queries=queries + 1, seed=0),
        bootstrap_binary(labels, predictions, queries=queries, seed=0, resamples=10),
    ):
        with pytest.raises(ValueError, match="same"):
            first.difference(other)


def test_a_wider_confidence_gives_a_wider_interval() -> None:
    queries, labels, predictions = clustered()
    drawn = bootstrap_binary(labels, predictions, queries=queries, seed=0)
    narrow, wide = drawn.intervals(confidence=0.5)["auc"], drawn.intervals(confidence=0.99)["auc"]
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize("labels", [np.zeros(0), np.full(3, np.nan), np.ones(3)])
def test_degenerate_rows_give_nan_and_no_warning(labels: np.ndarray) -> None:
    queries, predictions = np.arange(len(labels)), np.full(len(labels), 0.5)
    found = bootstrap_binary(labels, predictions, queries=queries, seed=0, resamples=5).intervals()
    assert all(math.isnan(part) for part in found["auc"])
    assert math.isnan(
        bootstrap_regression(labels, predictions, queries=queries, seed=0).intervals()["r2"].low
    )


def test_a_retrieval_without_evaluated_queries_gives_nan() -> None:
    nothing = ItemSets(np.zeros(3, dtype=np.int64), np.zeros(0, dtype=np.int64))
    metrics = retrieval_metrics(np.zeros((2, 1), dtype=np.int64), nothing, ks=[1], catalogue=1)
    assert all(math.isnan(part) for part in bootstrap_retrieval(metrics, seed=0).intervals()["ndcg@1"])
