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
    assert bins is not None
    assert len(bins.rows) == 15
    assert bins.rows.sum() == 2900
    assert (np.diff(bins.predicted) > 0).all()
    error = (bins.rows * np.abs(bins.predicted - bins.actual)).sum() / 2900
    assert error == pytest.approx(binary_metrics(labels, predictions, queries=np.zeros(3000, int)).ece)


def test_a_constant_prediction_is_one_bin_and_nothing_is_none() -> None:
    labels = np.array([1.0, 0.0, 0.0, np.nan])
    bins = reliability(labels, np.full(4, 0.25))
    assert bins is not None
    assert bins.to_json() == [{"predicted": 0.25, "actual": pytest.approx(1 / 3), "rows": 3}]
    assert reliability(np.full(4, np.nan), np.full(4, 0.25)) is None
    assert reliability(labels, np.full(4, np.nan)) is None


def test_chances_alone_have_bins_and_a_contender_may_lack_a_task() -> None:
    tasks = (Task(name="buy", kind="binary", label="b"), Task(name="paid", kind="regression", label="p"))
    labels = {"buy": np.array([1.0, 0.0]), "paid": np.ones(2)}
    found = compare_reliability(tasks, labels, {"ours": {"buy": np.full(2, 0.5)}, "other": {}})
    assert {task: list(contenders) for task, contenders in found.items()} == {"buy": ["ours"]}
