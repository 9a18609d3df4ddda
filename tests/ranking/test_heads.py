"""Losses and predictions of each kind of task, held to numpy."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.heads import HEADS, predictions
from tfrs_mtl.ranking.statistics import LabelStatistics, label_statistics

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
STATISTICS = LabelStatistics(50, 20, 3, 0.5, 90, (1.0, 2.0, 4.0), (0.2, 0.5, 0.3))


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def test_a_binary_head_is_logistic_regression() -> None:
    head = HEADS["binary"](LabelStatistics())
    raw = head(X).numpy()
    label = np.array([0, 1, 1, 0], np.float32)
    probability = 1 / (1 + np.exp(-raw))
    np.testing.assert_allclose(head.predict(raw), probability, rtol=1e-5)
    expected = -(label * np.log(probability) + (1 - label) * np.log(1 - probability))
    np.testing.assert_allclose(head.loss(raw, label), expected, rtol=1e-4)


def test_a_regression_head_learns_standardised_and_predicts_in_the_labels_units() -> None:
    head = HEADS["squared"](LabelStatistics(mean=50, std=20))
    raw = head(X).numpy()
    np.testing.assert_allclose(head.predict(raw), 50 + 20 * raw, rtol=1e-5)
    label = np.array([50, 70, 10, 50], np.float32)
    np.testing.assert_allclose(head.loss(raw, label), (raw - np.array([0, 1, -2, 0])) ** 2, rtol=1e-4)
    np.testing.assert_allclose(head.loss((label - 50) / 20, label), np.zeros(4), atol=1e-9)


def test_hubers_loss_is_the_square_near_by_and_its_tangent_far_off() -> None:
    head = HEADS["huber"](LabelStatistics(mean=50, std=20))
    head(X)
    error = np.array([-4, -1.345, -0.5, 0, 1, 10], np.float32)
    near, bound = np.square(error), 1.345
    far = bound**2 + 2 * bound * (np.abs(error) - bound)
    expected = np.where(np.abs(error) <= bound, near, far)
    np.testing.assert_allclose(head.loss(error, np.full(6, 50, np.float32)), expected, rtol=1e-5)


def test_a_lognormal_head_is_its_likelihood_and_predicts_the_mean() -> None:
    head = HEADS["lognormal"](LabelStatistics(log_mean=3, log_std=0.5, most=1e6))
    raw = head(X).numpy()
    scale = 0.05 + np.log1p(np.exp(raw[:, 1] + np.log(np.expm1(0.95))))
    mu, sigma = 3 + 0.5 * raw[:, 0], 0.5 * scale
    label = np.array([5, 20, 33, 100], np.float32)
    likelihood = stats.lognorm(s=sigma, scale=np.exp(mu))
    constant = np.log(label) + np.log(np.sqrt(2 * np.pi)) + np.log(0.5 * 0.05)
    np.testing.assert_allclose(head.loss(raw, label), -likelihood.logpdf(label) - constant, rtol=1e-4)
    np.testing.assert_allclose(head.predict(raw), likelihood.mean(), rtol=1e-4)


def test_no_lognormal_prediction_exceeds_the_largest_label() -> None:
    head = HEADS["lognormal"](LabelStatistics(log_mean=3, log_std=0.5, most=40))
    head(X)
    assert head.predict(np.array([[9, 9], [-1, 50]], np.float32)).numpy() == pytest.approx(40, rel=1e-5)


def test_a_zero_inflated_head_asks_whether_and_then_how_much() -> None:
    head, amount = HEADS["zero_inflated_lognormal"](STATISTICS), HEADS["lognormal"](STATISTICS)
    raw, label = head(X).numpy(), np.array([0, 20, 0, 100], np.float32)
    amount(X)
    p, above = sigmoid(raw[:, 0]), label > 0
    expected = np.where(above, -np.log(p) + amount.loss(raw[:, 1:], label).numpy(), -np.log(1 - p))
    np.testing.assert_allclose(head.loss(raw, label), expected, rtol=1e-4)
    np.testing.assert_allclose(head.predict(raw), p * amount.predict(raw[:, 1:]).numpy(), rtol=1e-4)


@pytest.mark.parametrize(("mean", "unit"), [(0.25, 1), (4.0, 4.0)])
def test_a_poisson_heads_loss_is_half_the_deviance(mean: float, unit: float) -> None:
    head = HEADS["poisson"](LabelStatistics(mean=mean))
    raw, label = head(X).numpy(), np.array([0, 1, 3, 7], np.float32)
    rate = mean * np.exp(raw)
    np.testing.assert_allclose(head.predict(raw), rate, rtol=1e-5)
    best = stats.poisson(np.maximum(label, 1e-12)).logpmf(label)
    expected = (best - stats.poisson(rate).logpmf(label)) / unit
    np.testing.assert_allclose(head.loss(raw, label), expected, rtol=1e-3, atol=1e-6)
    assert np.isfinite(head.predict(np.array([1e4], np.float32))).all()


def test_a_multiclass_head_is_softmax_and_predicts_the_expected_value() -> None:
    head = HEADS["multiclass"](STATISTICS)
    raw = head(X).numpy()
    probabilities = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(head.probabilities(raw), probabilities, rtol=1e-5)
    np.testing.assert_allclose(head.predict(raw), probabilities @ [1, 2, 4], rtol=1e-5)
    expected = -np.log(probabilities[np.arange(4), [2, 0, 1, 1]])
    np.testing.assert_allclose(head.loss(raw, np.array([4, 1, 2, 2], np.float32)), expected, rtol=1e-5)


def test_an_ordinal_head_is_cumulative_logits_and_predicts_the_expected_rating() -> None:
    head = HEADS["ordinal"](STATISTICS)
    raw = head(X).numpy()
    head.lowest.assign([-0.7])
    thresholds = np.array([-0.7, -0.7 + 0.001 + np.log1p(np.exp(head.gaps.numpy()[0]))])
    above = sigmoid(raw[:, None] - thresholds)
    edges = np.hstack([np.ones((4, 1)), above, np.zeros((4, 1))])
    probabilities = edges[:, :-1] - edges[:, 1:]
    np.testing.assert_allclose(head.probabilities(raw), probabilities, rtol=1e-5)
    np.testing.assert_allclose(head.predict(raw), probabilities @ [1, 2, 4], rtol=1e-5)
    expected = -np.log(probabilities[np.arange(4), [2, 0, 1, 1]])
    np.testing.assert_allclose(head.loss(raw, np.array([4, 1, 2, 2], np.float32)), expected, rtol=1e-4)


def test_an_ordinal_head_starts_from_the_shares_of_the_labels() -> None:
    head = HEADS["ordinal"](STATISTICS)
    head(X)
    np.testing.assert_allclose(head.probabilities(np.zeros(1, np.float32))[0], [0.2, 0.5, 0.3], atol=1e-5)


def test_far_out_an_ordinal_loss_stays_finite_and_keeps_its_slope() -> None:
    head = HEADS["ordinal"](STATISTICS)
    head(X)
    raw = tf.constant([-80.0, 80.0, 80.0])
    with tf.GradientTape() as tape:
        tape.watch(raw)
        loss = head.loss(raw, tf.constant([4.0, 1.0, 2.0]))
    np.testing.assert_allclose(tape.gradient(loss, raw), [-1, 1, 1], atol=1e-4)
    np.testing.assert_allclose(loss, [80, 80, 80], atol=3)


def test_statistics_are_weights_that_no_gradient_moves() -> None:
    head = HEADS["squared"](LabelStatistics(mean=50, std=20))
    head(X)
    assert [float(w) for w in head.non_trainable_weights] == [50, 20]


@pytest.mark.parametrize("kind", sorted(HEADS))
def test_every_head_gives_one_value_a_row(kind: str) -> None:
    head = HEADS[kind](LabelStatistics(mean=1, std=2))
    for rows in (0, 1, 4):
        raw = head(X[:rows])
        assert head.predict(raw).shape == (rows,)
        assert head.loss(raw, np.ones(rows, np.float32)).shape == (rows,)


@pytest.mark.parametrize("kind", sorted(HEADS))
def test_a_masked_row_spoils_no_gradient(kind: str) -> None:
    """The model puts 0 in the place of a label that is not there; its loss times 0 must be 0."""
    head = HEADS[kind](STATISTICS)
    with tf.GradientTape() as tape:
        loss = head.loss(head(X), tf.zeros(4))
        masked = tf.reduce_sum(tf.where(tf.zeros(4, tf.bool), loss, tf.zeros(4)))
    assert np.isfinite(loss).all()
    assert np.min(loss) >= 0
    for gradient in tape.gradient(masked, head.trainable_weights):
        assert gradient is None or not np.any(tf.convert_to_tensor(gradient))


@pytest.mark.parametrize("kind", sorted(HEADS))
def test_every_head_learns_the_mean_of_labels_that_nothing_tells_apart(kind: str) -> None:
    """Planted: one representation for all rows, so the best prediction is the labels' mean, no median."""
    rng = np.random.default_rng(3)
    label = {
        "binary": rng.random(4000) < 0.2,
        "lognormal": rng.lognormal(1.0, 0.8, 4000),
        "zero_inflated_lognormal": rng.lognormal(1.0, 0.8, 4000) * (rng.random(4000) < 0.3),
        "poisson": rng.poisson(2.5, 4000),
        "ordinal": rng.choice([1, 2, 5], 4000, p=[0.6, 0.1, 0.3]),
        "multiclass": rng.choice([1, 2, 5], 4000, p=[0.6, 0.1, 0.3]),
    }.get(kind, rng.normal(7, 3, 4000)).astype(np.float32)
    task = _task(kind)
    known = label_statistics({"t": label}, (task,)).get("t", LabelStatistics())
    head, x = HEADS[kind](known), tf.ones((4000, 1))
    head(x)
    optimizer = tf.keras.optimizers.Adam(0.05)

    @tf.function
    def step() -> None:
        optimizer.minimize(lambda: tf.reduce_mean(head.loss(head(x), label)), head.trainable_weights)

    for _ in range(250):
        step()
    found = float(head.predict(head(x))[0])
    assert found == pytest.approx(float(label.mean()), abs=0.03 * float(label.std()))


def _task(kind: str, **options: object) -> spec.Task:
    own = (
        {"kind": kind}
        if kind in ("binary", "ordinal", "multiclass")
        else {"kind": "regression", "loss": kind}
    )
    return spec.Task(**{"name": "t", "label": "l", **own, **options})  # type: ignore[arg-type]


def test_classes_stand_beside_their_task_and_sum_to_one() -> None:
    heads = {"buy": HEADS["binary"](STATISTICS), "stars": HEADS["ordinal"](STATISTICS)}
    found = predictions(heads, {name: head(X) for name, head in heads.items()})
    assert list(found) == ["buy", "stars", "stars#1", "stars#2", "stars#4"]
    np.testing.assert_allclose(sum(found[f"stars#{c}"] for c in (1, 2, 4)), np.ones(4), rtol=1e-5)


def test_statistics_come_from_the_rows_that_are_learnt_from() -> None:
    buy = spec.Task(name="buy", kind="binary", label="b")
    spend = spec.Task(name="spend", kind="regression", label="s", when="buy")
    stars = spec.Task(name="stars", kind="ordinal", label="r", when="buy")
    labels = {
        "buy": np.array([1, 1, 0, np.nan, 1, 1], np.float32),
        "spend": np.array([10, 20, 99, 99, np.nan, 0], np.float32),
        "stars": np.array([5, 2, 1, 1, 2, np.nan], np.float32),
    }
    found = label_statistics(labels, (buy, spend, stars))
    assert sorted(found) == ["spend", "stars"]
    assert (found["spend"].mean, found["spend"].std) == pytest.approx((10, np.std([0, 10, 20])))
    assert found["spend"].log_mean == pytest.approx(np.log([10, 20]).mean())
    assert found["spend"].most == 20
    assert (found["stars"].classes, found["stars"].shares) == ((2, 5), (2 / 3, 1 / 3))
    written = json.loads(json.dumps(found["stars"].to_json()))
    assert LabelStatistics.from_json(written) == found["stars"]


@pytest.mark.parametrize("kind", sorted(HEADS))
@pytest.mark.parametrize("values", [[], [np.nan], [3, 3, 3]])
def test_labels_without_spread_do_not_divide_by_zero(values: list[float], kind: str) -> None:
    found = label_statistics({"t": np.array(values, np.float32)}, (_task(kind),)).get("t", LabelStatistics())
    assert found.std == found.log_std == 1
    head = HEADS[kind](found)
    assert np.isfinite(head.predict(head(X))).all()
    assert np.isfinite(head.loss(head(X), np.full(4, 3, np.float32))).all()
