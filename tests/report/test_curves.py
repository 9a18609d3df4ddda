"""The report's curves and cohorts, by hand."""

from __future__ import annotations

import numpy as np

from tfrs_mtl.evaluation.reliability import bins_of
from tfrs_mtl.report.cohorts import least_of_head
from tfrs_mtl.report.curves import curves_of


def test_a_perfect_order_goes_through_the_corner_and_unknown_labels_are_left_out() -> None:
    labels = np.array([0, 0, 1, 1, np.nan], np.float32)
    found = curves_of("buy", labels, np.array([0.1, 0.2, 0.8, 0.9, 0.0], np.float32), is_binary=True)
    assert found is not None
    assert found.roc is not None
    assert found.precision is not None
    assert (0.0, 1.0) in zip(found.roc.x.tolist(), found.roc.y.tolist(), strict=True)
    assert (1.0, 1.0) in zip(found.precision.x.tolist(), found.precision.y.tolist(), strict=True)
    assert found.base == 0.5


def test_one_class_has_bins_and_no_roc_and_no_label_has_nothing() -> None:
    ones = np.ones(3, np.float32)
    found = curves_of("buy", ones, ones / 2, is_binary=True)
    assert found is not None
    assert found.roc is None
    assert found.bins.actual.tolist() == [1.0]
    assert curves_of("buy", ones * np.nan, ones, is_binary=True) is None


def test_bins_are_of_equal_size_and_say_mean_prediction_and_mean_label() -> None:
    predictions = np.linspace(0, 1, 150)
    labels = (np.arange(150) % 2).astype(np.float64)
    bins = bins_of(labels, predictions)
    assert bins.rows.tolist() == [10] * 15
    np.testing.assert_allclose(bins.actual, 0.5)
    np.testing.assert_allclose(bins.predicted[0], predictions[:10].mean())


def test_head_items_are_those_that_make_four_fifths() -> None:
    assert least_of_head(np.array([50, 30, 15, 5])) == 30
    assert least_of_head(np.zeros(3, np.int64)) == 1
    assert least_of_head(np.zeros(0, np.int64)) == 1
