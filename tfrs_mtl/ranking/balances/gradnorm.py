"""Weights by which all tasks pull equally hard, those that lag behind a little harder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.balances.adam import Adam
from tfrs_mtl.ranking.balances.protocol import Balance, Seen

_RATE = 0.025
_ASYMMETRY = 1.5
_LEAST = 1e-3


class GradNorm(Balance):
    """a moves along the slope of sum_k |a_k n_k - m r_k^1.5| (Chen et al., ICML 2018), by Adam.

    n_k: the norm of task k's gradient in the shared representation; m: the mean of a_k n_k; r_k: the loss
    over the first one seen, over the tasks' mean of that. m and r count as constants; a stays positive and
    sums to the number of tasks.
    """

    reads_gradients = True

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__(weights)
        tasks = len(self.static)
        self.learnt, self.adam = self.number("learnt", [1.0] * tasks), Adam(self, tasks, rate=_RATE)
        self.first = self.number("first", [0.0] * tasks)

    def factors(self, seen: Seen) -> Any:
        """Return positive factors that sum to the number of tasks, [tasks]."""
        self.first.assign(tf.where(self.first > 0, self.first, seen.losses))
        factors = tf.identity(self.learnt)
        moved = tf.maximum(factors + self.adam.step(self._slope(seen, factors)), _LEAST)
        self.learnt.assign(len(self.static) * moved / tf.reduce_sum(moved))
        return factors

    def _slope(self, seen: Seen, factors: Any) -> Any:
        norms = tf.sqrt(tf.maximum(tf.linalg.diag_part(seen.gram), 0.0))
        left = tf.math.divide_no_nan(seen.losses, self.first)
        count = tf.reduce_sum(seen.present)
        lag = tf.math.divide_no_nan(left * count, tf.reduce_sum(left))
        mean = tf.math.divide_no_nan(tf.reduce_sum(factors * norms), count)
        return seen.present * norms * tf.sign(factors * norms - mean * tf.pow(lag, _ASYMMETRY))
