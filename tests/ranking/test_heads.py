"""Losses and predictions of each kind of task."""

from __future__ import annotations

import numpy as np
import pytest

from tfrs_mtl import spec
from tfrs_mtl.ranking.heads import HEADS, BinaryHead, RegressionHead
from tfrs_mtl.ranking.statistics import LabelStatistics, label_statistics

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def test_a_binary_head_is_logistic_regression() -> None:
    head = BinaryHead(LabelStatistics())
    raw = head(X).numpy()
    label = np.array([0, 1, 1, 0], np.float32)
    probability = 1 / (1 + np.exp(-raw))
    np.testing.assert_allclose(head.predict(raw), probability, rtol=1e-5)
    expected = -(label * np.log(probability) + (1 - label) * np.log(1 - probability))
    np.testing.assert_allclose(head.loss(raw, label), expected, rtol=1e-4)


def test_a_regression_head_learns_standardised_and_predicts_in_the_labels_units() -> None:
    head = RegressionHead(LabelStatistics(mean=50, std=20))
    raw = head(X).numpy()
    np.testing.assert_allclose(head.predict(raw), 50 + 20 * raw, rtol=1e-5)
    label = np.array([50, 70, 10, 50], np.float32)
    np.testing.assert_allclose(head.loss(raw, label), (raw - np.array([0, 1, -2, 0])) ** 2, rtol=1e-4)
    np.testing.assert_allclose(head.loss((label - 50) / 20, label), np.zeros(4), atol=1e-9)


def test_statistics_are_weights_that_no_gradient_moves() -> None:
    head = RegressionHead(LabelStatistics(mean=50, std=20))
    head(X)
    assert [float(w) for w in head.non_trainable_weights] == [50, 20]


@pytest.mark.parametrize("kind", sorted(HEADS))
def test_every_head_gives_one_value_a_row(kind: str) -> None:
    head = HEADS[kind](LabelStatistics(mean=1, std=2))
    for rows in (0, 1, 4):
        raw = head(X[:rows])
        assert raw.shape == head.predict(raw).shape == (rows,)
        assert head.loss(raw, np.ones(rows, np.float32)).shape == (rows,)


def test_statistics_come_from_the_rows_that_are_learnt_from() -> None:
    buy = spec.Task(name="buy", kind="binary", label="b")
    spend = spec.Task(name="spend", kind="regression", label="s", when="buy")
    labels = {
        "buy": np.array([1, 1, 0, np.nan, 1], np.float32),
        "spend": np.array([10, 20, 99, 99, np.nan], np.float32),
    }
    assert label_statistics(labels, (buy, spend)) == {"spend": LabelStatistics(mean=15, std=5)}


@pytest.mark.parametrize("values", [[], [np.nan], [3, 3, 3]])
def test_labels_without_spread_do_not_divide_by_zero(values: list[float]) -> None:
    task = spec.Task(name="spend", kind="regression", label="s")
    found = label_statistics({"spend": np.array(values, np.float32)}, (task,))["spend"]
    assert found.std == 1
    assert np.isfinite(found.mean)
