"""Loss balancers held to their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.balance import BALANCES, StaticBalance, UncertaintyBalance


def test_static_weights_are_those_of_the_spec() -> None:
    found = StaticBalance([1.0, 0.5])(tf.constant([2.0, 4.0]), tf.constant([1.0, 1.0]))
    assert float(found) == 4.0


def test_uncertainty_is_its_formula() -> None:
    balance = UncertaintyBalance([1.0, 0.5, 1.0])
    balance.log_variance.assign([0.2, -0.4, 3.0])
    losses, present = tf.constant([2.0, 4.0, 0.0]), tf.constant([1.0, 1.0, 0.0])
    expected = np.exp(-0.2) * 2 + 0.1 + 0.5 * (np.exp(0.4) * 4 - 0.2)
    assert float(balance(losses, present)) == pytest.approx(expected, rel=1e-6)


def test_an_absent_task_leaves_its_uncertainty_alone() -> None:
    balance = UncertaintyBalance([1.0, 1.0])
    with tf.GradientTape() as tape:
        loss = balance(tf.constant([2.0, 0.0]), tf.constant([1.0, 0.0]))
    gradient = tape.gradient(loss, balance.log_variance).numpy()
    assert gradient[0] == pytest.approx(-2 + 0.5)
    assert gradient[1] == 0


def test_uncertainty_learns_the_log_of_each_loss() -> None:
    """Planted: constant losses; exp(-s) L + s / 2 is least at s = log(2 L)."""
    balance, optimizer = UncertaintyBalance([1.0, 1.0]), tf.keras.optimizers.Adam(0.1)
    losses, present = tf.constant([0.1, 3.0]), tf.ones(2)
    step = tf.function(lambda: optimizer.minimize(lambda: balance(losses, present), [balance.log_variance]))
    for _ in range(300):
        step()
    np.testing.assert_allclose(balance.log_variance, np.log([0.2, 6.0]), atol=0.02)


@pytest.mark.parametrize("name", sorted(BALANCES))
def test_every_balance_gives_zero_for_a_batch_without_labels(name: str) -> None:
    assert float(BALANCES[name]([1.0, 2.0])(tf.zeros(2), tf.zeros(2))) == 0
