"""Calibrated probabilities: right in the mean, in the old order, and not moved by what says nothing."""

from __future__ import annotations

import numpy as np
import pytest

from tests import training_world as world
from tfrs_mtl.dataset.ranking_rows import RankingRows
from tfrs_mtl.layers.build import build
from tfrs_mtl.ranking.calibration import Calibration, platt
from tfrs_mtl.ranking.heads import BinaryHead
from tfrs_mtl.ranking.statistics import LabelStatistics
from tfrs_mtl.training.fitting import calibrate, predict
from tfrs_mtl.training.prepare import RankingSet

RNG = np.random.default_rng(0)


def drawn(logits: np.ndarray) -> np.ndarray:
    return (RNG.random(len(logits)) < 1 / (1 + np.exp(-logits))).astype(np.float64)


@pytest.mark.parametrize(("slope", "shift"), [(1, 0), (0.5, -1), (2, 3)])
def test_it_finds_the_logits_that_the_labels_were_drawn_by(slope: float, shift: float) -> None:
    logits = RNG.normal(size=40_000)
    found = platt(logits, drawn(slope * logits + shift))
    assert found == pytest.approx((slope, shift), abs=0.1)


def test_few_labels_hardly_move_it_and_none_do_not() -> None:
    assert platt(np.empty(0), np.empty(0)) == Calibration()
    moved = np.subtract(platt(np.array([0.1, -0.2]), np.array([0.0, 1.0])), Calibration())
    assert 0 < np.abs(moved).max() < 0.5


def test_it_never_turns_the_order_round() -> None:
    logits = RNG.normal(size=2_000)
    assert platt(logits, drawn(-3 * logits)) == Calibration()


@pytest.mark.parametrize("labels", [np.zeros(100), np.ones(100)])
def test_labels_of_one_class_leave_it_finite(labels: np.ndarray) -> None:
    assert np.isfinite(platt(RNG.normal(size=100) * 20, labels)).all()


def test_a_calibrated_head_predicts_otherwise_and_learns_the_same() -> None:
    x = RNG.normal(size=(5, 3)).astype(np.float32)
    head = BinaryHead(LabelStatistics())
    raw = head(x).numpy()
    before = head.loss(raw, np.ones(5, np.float32)).numpy()
    head.calibrate(Calibration(2.0, -1.0))
    np.testing.assert_allclose(head.predict(raw), 1 / (1 + np.exp(1 - 2 * raw)), rtol=1e-5)
    np.testing.assert_array_equal(head.loss(raw, np.ones(5, np.float32)), before)
    assert len(head.trainable_weights) == 2


def test_a_models_predictions_are_right_in_the_mean_of_the_rows_that_calibrate_it() -> None:
    model = world.ranking_model()
    build(model, model.model_inputs, seed=1)
    examples = world.examples(2_000)
    labels = (RNG.random(2_000) < 0.1).astype(np.float32)
    labels[::2] = np.nan  # rows without a label say nothing
    none = np.zeros(2_000, np.int64)
    rows = RankingSet(RankingRows(none, none, none, {"buy": labels}, {}), examples)
    before = predict(model, rows)["buy"]
    calibrate(model, rows)
    after = predict(model, rows)["buy"]
    assert before.mean() > 0.4
    assert after[1::2].mean() == pytest.approx(np.nanmean(labels), abs=0.01)
