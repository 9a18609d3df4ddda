"""Calibrated probabilities: right in the mean, in the old order, and not moved by what says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from tests import training_world as world
from tfrs_mtl.dataset.ranking_rows import RankingRows
from tfrs_mtl.layers.build import build
from tfrs_mtl.ranking.calibrations import CALIBRATIONS, Calibration, calibration_of
from tfrs_mtl.ranking.calibrations.choice import choose
from tfrs_mtl.ranking.calibrations.isotonic import _ascending, isotonic
from tfrs_mtl.ranking.calibrations.linear import platt, temperature
from tfrs_mtl.ranking.heads import HEADS
from tfrs_mtl.ranking.statistics import LabelStatistics
from tfrs_mtl.training.fitting import calibrate, predict
from tfrs_mtl.training.prepare import RankingSet

RNG = np.random.default_rng(0)

every = pytest.mark.parametrize("name", sorted(CALIBRATIONS))


def drawn(logits: np.ndarray) -> np.ndarray:
    return (RNG.random(len(logits)) < 1 / (1 + np.exp(-logits))).astype(np.float64)


@pytest.mark.parametrize(("slope", "shift"), [(1, 0), (0.5, -1), (2, 3)])
def test_platt_finds_the_logits_that_the_labels_were_drawn_by(slope: float, shift: float) -> None:
    logits = RNG.normal(size=40_000)
    found = platt(logits, drawn(slope * logits + shift))
    assert found[:2] == pytest.approx((slope, shift), abs=0.1)


@pytest.mark.parametrize("slope", [0.5, 1, 2])
def test_temperature_finds_the_slope(slope: float) -> None:
    logits = RNG.normal(size=40_000)
    assert temperature(logits, drawn(slope * logits)) == Calibration(pytest.approx(slope, abs=0.06))


def test_isotonic_finds_what_is_no_straight_line() -> None:
    """Planted: below 0 the model is twice as sure as it should be, above it is right."""
    logits = RNG.normal(size=200_000) * 2
    true = np.where(logits < 0, logits / 2, logits)
    found, line = (fit(logits, drawn(true)).apply(logits) for fit in (isotonic, platt))
    inside = np.abs(logits) < 2.5
    assert np.abs(found - true)[inside].mean() < 0.07 < np.abs(line - true)[inside].mean()


def test_pooling_is_that_of_scikit_learn() -> None:
    values, weights = RNG.random(9), RNG.integers(1, 9, 9).astype(float)
    expected = IsotonicRegression().fit_transform(np.arange(9), values, sample_weight=weights)
    np.testing.assert_allclose(_ascending(values, weights), expected)


@every
def test_few_labels_hardly_move_it_and_none_do_not(name: str) -> None:
    fit = CALIBRATIONS[name]
    assert fit(np.empty(0), np.empty(0)) == Calibration()
    logits = np.array([0.1, -0.2])
    assert np.abs(fit(logits, np.array([0.0, 1.0])).apply(logits) - logits).max() < 0.5


@every
def test_it_never_turns_the_order_round(name: str) -> None:
    logits = np.sort(RNG.normal(size=2_000))
    assert (np.diff(CALIBRATIONS[name](logits, drawn(-3 * logits)).apply(logits)) > 0).all()


@every
@pytest.mark.parametrize("labels", [np.zeros(100), np.ones(100)])
@pytest.mark.parametrize("logits", [RNG.normal(size=100) * 20, np.full(100, 1.5)])
def test_labels_of_one_class_and_logits_of_one_value_leave_it_finite(
    name: str, labels: np.ndarray, logits: np.ndarray
) -> None:
    assert np.isfinite(CALIBRATIONS[name](logits, labels).apply(logits)).all()


@pytest.mark.parametrize(
    ("early", "late", "expected"),
    [
        ((1, 0), (1, 0), {"none", "temperature"}),
        ((0.5, 0), (0.5, 0), {"temperature"}),
        ((1, -1.5), (1, -1.5), {"platt"}),
        ((0.5, 0.7), (0.5, -0.7), {"temperature"}),  # the level does not last, the slope does
    ],
)
def test_what_holds_from_one_half_of_the_time_to_the_other_is_chosen(
    early: tuple[float, float], late: tuple[float, float], expected: set[str]
) -> None:
    logits, times = RNG.normal(size=60_000) * 1.5, RNG.permutation(60_000)
    slope, shift = (np.where(times < 30_000, *pair) for pair in zip(early, late, strict=True))
    labels = drawn(slope * logits + shift)
    assert choose(CALIBRATIONS, logits, labels, times, fallback="none") in expected


def test_where_the_halves_hold_too_little_nothing_is_chosen() -> None:
    logits, times = RNG.normal(size=500), np.arange(500)
    labels = (times > 250).astype(float)  # one half has no 1
    assert choose(CALIBRATIONS, logits, labels, times, fallback="temperature") == "temperature"
    assert calibration_of("auto", np.empty(0), np.empty(0), np.empty(0, np.int64)) == Calibration()


def test_a_calibrated_head_predicts_otherwise_and_learns_the_same() -> None:
    x = RNG.normal(size=(5, 3)).astype(np.float32)
    head = HEADS["binary"](LabelStatistics())
    raw = head(x).numpy()
    before = head.loss(raw, np.ones(5, np.float32)).numpy()
    for calibration in (Calibration(0.8, -1.0, (-0.3, 0.4), (0.5, 1.5)), Calibration(2.0, -1.0)):
        head.calibrate(calibration)
        np.testing.assert_allclose(head.predict(raw), 1 / (1 + np.exp(-calibration.apply(raw))), rtol=1e-5)
    np.testing.assert_array_equal(head.loss(raw, np.ones(5, np.float32)), before)
    assert len(head.trainable_weights) == 2


def test_a_models_predictions_are_right_in_the_mean_of_the_rows_that_calibrate_it() -> None:
    model = world.ranking_model(calibration="platt")
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
