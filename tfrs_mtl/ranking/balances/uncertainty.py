"""Weights by learnt uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.balances.protocol import Balance


class UncertaintyBalance(Balance):
    """sum_k w_k (exp(-s_k) L_k + s_k / 2), with s_k the task's log variance, learnt (Kendall, CVPR 2018)."""

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__(weights)
        # From 0: at first it is the static balance.
        self.log_variance = self.add_weight(
            name="log_variance", shape=(len(self.static),), initializer="zeros"
        )

    def call(self, losses: Any, present: Any, gram: Any = None, training: Any = False) -> Any:
        """Return the balanced sum; a task that the batch does not hold leaves its s alone."""
        factors = tf.exp(-self.log_variance)
        if training:
            self.note(tf.stop_gradient(factors))
        balanced = factors * losses + 0.5 * self.log_variance
        return tf.reduce_sum(tf.constant(self.static, losses.dtype) * present * balanced)
