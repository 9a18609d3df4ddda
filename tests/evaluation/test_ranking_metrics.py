"""Metrics of one task's predictions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from tfrs_mtl.evaluation import binary_metrics, regression_metrics

ROW = st.tuples(
    st.integers(0, 4), st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
)
ROWS = st.lists(ROW, min_size=1, max_size=60)


def columns(rows: list[tuple[int, float, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    array = np.array(rows)
    return array[:, 0].astype(np.int64), array[:, 1], array[:, 2]


def simulated(rows: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Queries, labels, and the very probabilities that the labels were drawn with."""
    random = np.random.default_rng(seed)
    probabilities = random.beta(1, 4, rows)
    return random.integers(0, rows // 20, rows), (random.random(rows) < probabilities) * 1.0, probabilities


@settings(deadline=None)
@given(ROWS)
def test_gauc_is_a_loop_of_scikit_learn_over_the_queries_that_have_both_classes(
    rows: list[tuple[int, float, float]],
) -> None:
    queries, labels, predictions = columns(rows)
    parts = [(labels[queries == q], predictions[queries == q]) for q in np.unique(queries)]
    mixed = [(sklearn_metrics.roc_auc_score(y, p), len(y)) for y, p in parts if 0 < y.sum() < len(y)]
    found = binary_metrics(labels, predictions, queries=queries).gauc
    if mixed:
        assert found == pytest.approx(np.average([a for a, _ in mixed], weights=[n for _, n in mixed]))
    else:
        assert math.isnan(found)


@settings(deadline=None)
@given(ROWS, st.randoms())
def test_the_order_of_the_rows_does_not_matter(rows: list[tuple[int, float, float]], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    metrics = []
    for each in (rows, shuffled):
        queries, labels, predictions = columns(each)
        metrics.append(list(binary_metrics(labels, predictions, queries=queries).values().values()))
    np.testing.assert_allclose(metrics[0], metrics[1], rtol=1e-9)


def test_auc_average_precision_and_log_loss_are_those_of_scikit_learn() -> None:
    queries, labels, predictions = simulated(2000)
    found = binary_metrics(labels, predictions, queries=queries)
    assert found.auc == pytest.approx(sklearn_metrics.roc_auc_score(labels, predictions))
    assert found.pr_auc == pytest.approx(sklearn_metrics.average_precision_score(labels, predictions))
    assert found.log_loss == pytest.approx(sklearn_metrics.log_loss(labels, predictions))
    assert (found.rows, found.positives) == (2000, labels.sum())


def test_true_probabilities_are_calibrated_and_doubled_ones_are_not() -> None:
    queries, labels, truth = simulated(40_000)
    right = binary_metrics(labels, truth, queries=queries)
    doubled = binary_metrics(labels, np.minimum(2 * truth, 1), queries=queries)
    assert right.ece < 0.01
    assert right.pcoc == pytest.approx(1, abs=0.03)
    assert right.normalised_entropy < 0.95
    assert doubled.ece == pytest.approx(truth.mean(), rel=0.15)
    assert doubled.pcoc == pytest.approx(2, rel=0.1)


def test_the_base_rate_as_a_constant_prediction_has_entropy_one_and_no_calibration_error() -> None:
    queries, labels, _ = simulated(2000)
    found = binary_metrics(labels, np.full(2000, labels.mean()), queries=queries)
    assert found.normalised_entropy == pytest.approx(1)
    assert found.ece == pytest.approx(0, abs=1e-12)
    assert (found.auc, found.gauc) == (0.5, 0.5)


def test_the_calibration_error_of_thirty_distinct_predictions_is_that_of_fifteen_pairs() -> None:
    predictions = np.linspace(0.05, 0.95, 30)
    labels = (np.arange(30) % 3 == 0) * 1.0
    pairs = (predictions - labels).reshape(15, 2).sum(axis=1)
    found = binary_metrics(labels[::-1], predictions[::-1], queries=np.zeros(30, dtype=np.int64))
    assert found.ece == pytest.approx(np.abs(pairs).sum() / 30)


def test_rows_without_a_label_are_left_out() -> None:
    queries, labels, predictions = simulated(200)
    unknown = np.arange(200) % 3 == 0
    masked = np.where(unknown, np.nan, labels)
    noise = np.where(unknown, np.nan, predictions)
    found = binary_metrics(masked, noise, queries=queries)
    assert found == binary_metrics(labels[~unknown], predictions[~unknown], queries=queries[~unknown])
    assert regression_metrics(masked, noise) == regression_metrics(labels[~unknown], predictions[~unknown])


def test_scores_that_are_no_probabilities_are_measured_by_their_order_alone() -> None:
    queries, labels, predictions = simulated(500)
    logits = np.log(predictions / (1 - predictions))
    found = binary_metrics(labels, logits, queries=queries)
    assert found.auc == pytest.approx(binary_metrics(labels, predictions, queries=queries).auc)
    assert all(math.isnan(v) for v in (found.log_loss, found.normalised_entropy, found.ece, found.pcoc))


def test_one_class_leaves_the_order_undefined_and_the_losses_defined() -> None:
    found = binary_metrics(np.zeros(4), np.full(4, 0.25), queries=np.arange(4))
    assert all(
        math.isnan(v) for v in (found.auc, found.gauc, found.pr_auc, found.normalised_entropy, found.pcoc)
    )
    assert found.log_loss == pytest.approx(-math.log(0.75))
    assert found.ece == pytest.approx(0.25)


@pytest.mark.parametrize("labels", [np.zeros(0), np.array([np.nan, np.nan])])
def test_without_rows_every_metric_is_nan(labels: np.ndarray) -> None:
    predictions, queries = np.zeros(len(labels)), np.zeros(len(labels), dtype=np.int64)
    binary, regression = (
        binary_metrics(labels, predictions, queries=queries),
        regression_metrics(labels, predictions),
    )
    assert binary.rows == regression.rows == 0
    assert all(math.isnan(v) for v in [*binary.values().values(), *regression.values().values()])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_prediction_that_is_no_number_makes_every_metric_nan(bad: float) -> None:
    labels, predictions = np.array([0.0, 1.0, 1.0]), np.array([0.1, bad, 0.9])
    binary = binary_metrics(labels, predictions, queries=np.zeros(3, dtype=np.int64))
    values = [*binary.values().values(), *regression_metrics(labels, predictions).values().values()]
    assert all(math.isnan(value) for value in values)


def test_a_saturated_float32_prediction_has_a_finite_loss() -> None:
    found = binary_metrics(np.array([1, 0]), np.array([0, 0.5], dtype=np.float32), queries=np.array([0, 1]))
    assert found.log_loss == pytest.approx((-math.log(1e-7) + math.log(2)) / 2)


def test_labels_other_than_zero_and_one_are_refused() -> None:
    with pytest.raises(ValueError, match="0, 1 or NaN"):
        binary_metrics(np.array([0.0, 2.0]), np.zeros(2), queries=np.zeros(2, dtype=np.int64))


def test_arrays_of_different_length_are_refused_with_their_shapes() -> None:
    with pytest.raises(ValueError, match=r"\[3\], \[2\]"):
        regression_metrics(np.zeros(3), np.zeros(2))


def test_regression_errors_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(3)
    labels = random.gamma(2, 3, 500)
    predictions = labels + random.normal(0, 1, 500)
    found = regression_metrics(labels, predictions)
    assert found.rmse == pytest.approx(sklearn_metrics.root_mean_squared_error(labels, predictions))
    assert found.mae == pytest.approx(sklearn_metrics.mean_absolute_error(labels, predictions))
    assert found.r2 == pytest.approx(sklearn_metrics.r2_score(labels, predictions))


def test_the_rank_correlation_sees_order_only_and_shares_ranks_among_equals() -> None:
    labels = np.array([1.0, 2.0, 3.0, 4.0])
    assert regression_metrics(labels, np.exp(labels)).spearman == pytest.approx(1)
    assert regression_metrics(labels, -labels).spearman == pytest.approx(-1)
    assert regression_metrics(labels, np.array([1.0, 1.0, 2.0, 2.0])).spearman == pytest.approx(
        2 / math.sqrt(5)
    )


def test_constant_labels_leave_variance_and_rank_correlation_undefined() -> None:
    found = regression_metrics(np.full(3, 0.1), np.array([0.1, 0.2, 0.3]))
    assert math.isnan(found.r2)
    assert math.isnan(found.spearman)
    assert found.mae == pytest.approx(0.1)
