"""Balances held to their formulas, by numpy, and to what their papers promise on a small problem."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.optimize import minimize

from tfrs_mtl._tf import tf
from tfrs_mtl.layers.noise import seed_noise
from tfrs_mtl.ranking.balances import BALANCES
from tfrs_mtl.ranking.balances.cagrad import worst_mixture
from tfrs_mtl.ranking.balances.pcgrad import project
from tfrs_mtl.ranking.balances.protocol import Balance, Seen

ONES = tf.ones(2)


def seen(losses: Sequence[float], gram: np.ndarray | None = None) -> Seen:
    present = np.array(losses) > 0
    return Seen(*(tf.constant(v, tf.float32) for v in (losses, present, np.eye(2) if gram is None else gram)))


@pytest.mark.parametrize("name", sorted(BALANCES))
def test_every_balance_gives_zero_for_a_batch_without_labels(name: str) -> None:
    for training in (False, True):
        found = BALANCES[name]([1.0, 2.0])(tf.zeros(2), tf.zeros(2), tf.zeros((2, 2)), training=training)
        assert float(found) == 0


@pytest.mark.parametrize("name", sorted(BALANCES))
def test_every_balance_starts_finite_and_counts_what_it_weighs_in_training_alone(name: str) -> None:
    balance = BALANCES[name]([1.0, 0.5])
    losses, gram = tf.constant([2.0, 4.0]), tf.constant([[4.0, -1.0], [-1.0, 1.0]])
    assert float(balance(losses, ONES, gram)) == pytest.approx(4.0)
    assert np.isnan(balance.mean_factors()).all()
    found = float(balance(losses, ONES, gram, training=True))
    factors = balance.mean_factors()
    assert found == pytest.approx(factors @ [2.0, 2.0], rel=1e-5)
    assert (factors > 0).all()
    assert np.isnan(balance.mean_factors()).all()


@pytest.mark.parametrize("name", sorted(BALANCES))
def test_an_absent_task_spoils_no_other(name: str) -> None:
    """Nor what the balance remembers: the next batch is weighed as if the absent one had not been."""
    gram = np.array([[4.0, 0.0], [0.0, 0.0]])
    balance = BALANCES[name]([1.0, 1.0])
    for _ in range(3):
        loss = balance(tf.constant([2.0, 0.0]), tf.constant([1.0, 0.0]), tf.constant(gram, tf.float32), True)
        if balance.reads_losses_after:
            balance.learn(tf.constant([1.9, 0.0]), tf.constant([1.0, 0.0]))
        assert np.isfinite(loss)
    assert all(np.isfinite(weight).all() for weight in balance.get_weights())


def test_static_weights_are_those_of_the_spec() -> None:
    found = BALANCES["static"]([1.0, 0.5])(tf.constant([2.0, 4.0]), ONES, training=True)
    assert float(found) == 4.0


def test_uncertainty_is_its_formula() -> None:
    balance = BALANCES["uncertainty"]([1.0, 0.5, 1.0])
    balance.log_variance.assign([0.2, -0.4, 3.0])
    losses, present = tf.constant([2.0, 4.0, 0.0]), tf.constant([1.0, 1.0, 0.0])
    expected = np.exp(-0.2) * 2 + 0.1 + 0.5 * (np.exp(0.4) * 4 - 0.2)
    assert float(balance(losses, present)) == pytest.approx(expected, rel=1e-6)


def test_an_absent_task_leaves_its_uncertainty_alone() -> None:
    balance = BALANCES["uncertainty"]([1.0, 1.0])
    with tf.GradientTape() as tape:
        loss = balance(tf.constant([2.0, 0.0]), tf.constant([1.0, 0.0]), training=True)
    gradient = tape.gradient(loss, balance.log_variance).numpy()
    assert gradient[0] == pytest.approx(-2 + 0.5)
    assert gradient[1] == 0


def test_uncertainty_learns_the_log_of_each_loss() -> None:
    """Planted: constant losses; exp(-s) L + s / 2 is least at s = log(2 L)."""
    balance, optimizer = BALANCES["uncertainty"]([1.0, 1.0]), tf.keras.optimizers.Adam(0.1)
    losses = tf.constant([0.1, 3.0])
    step = tf.function(lambda: optimizer.minimize(lambda: balance(losses, ONES), [balance.log_variance]))
    for _ in range(300):
        step()
    np.testing.assert_allclose(balance.log_variance, np.log([0.2, 6.0]), atol=0.02)


def test_random_weights_are_drawn_anew_and_repeat_with_the_seed() -> None:
    balance = BALANCES["random"]([1.0, 1.0])
    draws = []
    for _ in range(2):
        seed_noise(balance, 3)
        draws.append([balance.factors(seen([1, 1])).numpy() for _ in range(2000)])
    np.testing.assert_array_equal(*draws)
    np.testing.assert_allclose(np.sum(draws[0], axis=1), 2, rtol=1e-5)
    assert np.mean(draws[0], axis=0) == pytest.approx([1, 1], abs=0.03)
    assert np.std(draws[0], axis=0).min() > 0.3


def test_a_task_whose_loss_falls_slower_is_weighed_more_by_the_dynamic_average() -> None:
    balance = BALANCES["dwa"]([1.0, 1.0])
    for _ in range(100):
        np.testing.assert_allclose(balance.factors(seen([1.0, 2.0])), [1, 1])
    for _ in range(100):
        balance.factors(seen([0.5, 1.9]))
    ratio = np.array([0.5, 0.95]) / 2
    np.testing.assert_allclose(
        balance.factors(seen([9, 9])), 2 * np.exp(ratio) / np.exp(ratio).sum(), rtol=1e-5
    )


def test_famo_weighs_by_its_formula_and_moves_to_the_task_that_gained_less() -> None:
    balance = BALANCES["famo"]([1.0, 1.0])
    shares = 0.5 / np.array([1.0, 4.0])
    np.testing.assert_allclose(balance.factors(seen([1, 4])), 2 * shares / shares.sum(), rtol=1e-5)
    balance.learn(tf.constant([0.5, 3.9]), ONES)
    gained = -np.log([0.5, 3.9 / 4])
    slope = 0.5 * (gained - gained.mean())
    np.testing.assert_allclose(balance.logits, -0.025 * np.sign(slope), rtol=1e-4)


def test_gradnorm_makes_the_gradients_of_all_tasks_equally_long() -> None:
    """Planted: norms 3 and 1 and losses that stay; then a_1 * 3 = a_2 * 1 and a_1 + a_2 = 2."""
    balance = BALANCES["gradnorm"]([1.0, 1.0])
    batch = seen([1, 1], np.diag([9.0, 1.0]))
    step = tf.function(lambda: balance.factors(batch))
    for _ in range(300):
        found = step().numpy()
    np.testing.assert_allclose(found, [0.5, 1.5], atol=0.06)


def test_gradnorm_lets_a_task_that_lags_behind_pull_harder() -> None:
    balance = BALANCES["gradnorm"]([1.0, 1.0])
    balance.factors(seen([1, 1]))
    for _ in range(30):
        found = balance.factors(seen([0.2, 1])).numpy()
    assert found[0] < 0.7 < 1.3 < found[1]


def test_metabalance_brings_the_others_near_to_the_first_ones_norm() -> None:
    balance = BALANCES["metabalance"]([1.0, 1.0])
    batch = seen([1, 1], np.diag([4.0, 100.0]))
    np.testing.assert_allclose(balance.factors(batch), [1, 0.7 * 0.2 + 0.3], rtol=1e-5)
    found = balance.factors(seen([1, 1], np.diag([4.0, 1.0])))
    np.testing.assert_allclose(found, [1, 0.7 * 2 / (0.9 * 10 + 0.1) + 0.3], rtol=1e-5)


def _gradients(seed: int, tasks: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(tasks, 5))


@pytest.mark.parametrize("seed", range(6))
def test_pcgrad_is_the_paper_s_loop_over_the_gradients(seed: int) -> None:
    gradients, order = _gradients(seed), np.random.default_rng(seed).permutation(3)
    total = np.zeros(5)
    for i, gradient in enumerate(gradients):
        mine = gradient.copy()
        for j in order:
            along = mine @ gradients[j]
            if i != j and along < 0:
                mine -= along / (gradients[j] @ gradients[j]) * gradients[j]
        total += mine
    factors = project(tf.constant(gradients @ gradients.T), tf.constant(order), 3)
    np.testing.assert_allclose(factors.numpy() @ gradients, total, rtol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_cagrad_finds_what_a_general_solver_finds(seed: int) -> None:
    gradients = _gradients(seed) * np.array([[0.1], [1], [3]])
    gram, equal = gradients @ gradients.T, np.full(3, 1 / 3)

    def objective(w: np.ndarray) -> float:
        return w @ gram @ equal + 0.5 * np.sqrt(equal @ gram @ equal) * np.sqrt(w @ gram @ w)

    simplex = {"type": "eq", "fun": lambda w: w.sum() - 1}
    best = min(
        minimize(objective, start, bounds=[(0, 1)] * 3, constraints=[simplex]).fun
        for start in (equal, *(0.9 * np.eye(3) + 1 / 30))
    )
    found = worst_mixture(tf.constant(gram), tf.constant(equal)).numpy()
    assert found.sum() == pytest.approx(1)
    assert objective(found) <= best + 0.05 * equal @ gram @ equal
    factors = BALANCES["cagrad"]([1.0] * 3).factors(
        Seen(tf.ones(3), tf.ones(3), tf.constant(gram, tf.float32))
    )
    step, mean = factors.numpy() @ gradients / 3 * 1.25, equal @ gradients
    assert np.linalg.norm(step - mean) == pytest.approx(0.5 * np.linalg.norm(mean), rel=1e-3)
    assert (gradients @ step).min() > (gradients @ mean).min()


class _Toy:
    """Two tasks that pull a shared x apart, the first a hundred times as hard."""

    def __init__(self, name: str) -> None:
        self.balance: Balance = BALANCES[name]([1.0, 1.0])
        seed_noise(self.balance, 0)
        self.x = tf.Variable([[2.0, 1.0]])

    def losses(self) -> tf.Tensor:
        aims, scale = tf.constant([[1.0, 0.0], [-1.0, 0.0]]), tf.constant([100.0, 1.0])
        return scale * (4.0 + tf.reduce_sum(tf.square(self.x - aims), axis=1))

    def step(self) -> None:
        with tf.GradientTape() as outer:
            with tf.GradientTape(persistent=True) as tape:
                losses = self.losses()
                apart = tf.unstack(losses)
            gradients = tf.concat([tape.gradient(loss, self.x) for loss in apart], axis=0)
            loss = self.balance(losses, ONES, tf.matmul(gradients, gradients, transpose_b=True), True)
        gradient, *own = outer.gradient(loss, [self.x, *self.balance.trainable_weights])
        self.x.assign_sub(0.02 * gradient / tf.maximum(tf.norm(gradient), 1.0))
        for weight, slope in zip(self.balance.trainable_weights, own, strict=True):
            weight.assign_sub(0.05 * slope / tf.maximum(tf.norm(slope), 1.0))
        if self.balance.reads_losses_after:
            self.balance.learn(self.losses(), ONES)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("static", 0.9, 1.1),  # the hard puller has it all
        ("cagrad", 0.9, 1.1),  # it gets where the mean loss is least, by another way
        ("metabalance", 0.9, 1.1),  # the first task is the one that counts
        ("uncertainty", -0.3, 0.3),
        ("famo", -0.3, 0.3),
    ],
)
def test_where_tasks_conflict_each_balance_ends_where_its_paper_says(
    name: str, low: float, high: float
) -> None:
    toy = _Toy(name)
    step = tf.function(toy.step)
    for _ in range(500):
        step()
    x = toy.x.numpy()[0]
    assert low < x[0] < high
    assert abs(x[1]) < 0.15  # where all agree, all get there


def test_pcgrad_steps_spoil_no_task_and_static_ones_do() -> None:
    worse = {}
    for name in ("static", "pcgrad"):
        toy, before = _Toy(name), np.full(2, np.inf)
        toy.x.assign([[0.2, 1.0]])
        step, worst = tf.function(toy.step), []
        for _ in range(60):
            step()
            losses = toy.losses().numpy()
            worst.append((losses / before - 1).max())
            before = losses
        worse[name] = max(worst)
    assert worse["pcgrad"] < 1e-3 < worse["static"]
