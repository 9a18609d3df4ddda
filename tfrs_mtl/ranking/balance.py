"""Balances: from the losses of all tasks to the one that is minimised.

To add one: a layer whose ``call(losses, present)`` takes the mean loss of each task [tasks] and whether the
batch holds any label of it (0 or 1, [tasks]), and returns a scalar; and its line in ``BALANCES``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tfrs_mtl._tf import tf


class StaticBalance(tf.keras.layers.Layer):
    """sum_k w_k L_k with the weights of the spec.

    Args:
        weights: one a task.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__()
        self.static = tuple(weights)

    def call(self, losses: Any, present: Any) -> Any:
        """Return the weighted sum; an absent task's loss is 0 already."""
        return tf.reduce_sum(tf.constant(self.static, losses.dtype) * losses)


class UncertaintyBalance(tf.keras.layers.Layer):
    """sum_k w_k (exp(-s_k) L_k + s_k / 2), with s_k the task's log variance, learnt (Kendall, CVPR 2018).

    Args:
        weights: one a task.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__()
        self.static = tuple(weights)
        # From 0: at first it is the static balance.
        self.log_variance = self.add_weight(
            name="log_variance", shape=(len(self.static),), initializer="zeros"
        )

    def call(self, losses: Any, present: Any) -> Any:
        """Return the balanced sum; a task that the batch does not hold leaves its s alone."""
        balanced = tf.exp(-self.log_variance) * losses + 0.5 * self.log_variance
        return tf.reduce_sum(tf.constant(self.static, losses.dtype) * present * balanced)


BALANCES: dict[str, Callable[[Sequence[float]], Any]] = {
    "static": StaticBalance,
    "uncertainty": UncertaintyBalance,
}
"""Name in the spec -> balance."""
