"""Reliability bins."""

from __future__ import annotations

import numpy as np
import pytest

from tfrs_mtl.evaluation import binary_metrics
from tfrs_mtl.evaluation.reliability import compare_reliability, reliability
from tfrs_mtl.spec import Task

RNG = np.random.default_rng(0)


def test_the_bins_add_up_to_the_calibration_error() -> None:
    predictions = RNG.random(3000)
    labels = (RNG.random(3000) < predictions**2).astype(float)
    labels[:100] = np.nan
    bins = reliability(labels, predictions)
    assert len(bins) == 15
    assert sum(b.rows for b in bins) == 2900
    assert [b.predicted for b in bins] == sorted(b.predicted for b in bins)
    error = sum(b.rows * abs(b.predicted - b.observed) for b in bins) / 2900
    assert error == pytest.approx(binary_metrics(labels, predictions, queries=np.zeros(3000, int)).ece)


def test_a_constant_prediction_is_one_bin_and_nothing_is_none() -> None:
    labels = np.array([1.0, 0.0, 0.0, np.nan])
    assert reliability(labels, np.full(4, 0.25)) == ((0.25, pytest.approx(1 / 3), 3),)
    assert reliability(np.full(4, np.nan), np.full(4, 0.25)) == ()
    assert reliability(labels, np.full(4, np.nan)) == ()


def test_chances_alone_have_bins_and_a_contender_may_lack_a_task() -> None:
    tasks = (Task(name="buy", kind="binary", label="b"), Task(name="paid", kind="regression", label="p"))
    labels = {"buy": np.array([1.0, 0.0]), "paid": np.ones(2)}
    found = compare_reliability(tasks, labels, {"ours": {"buy": np.full(2, 0.5)}, "other": {}})
    assert found == {"buy": {"ours": ((0.5, 0.5, 2),)}}
