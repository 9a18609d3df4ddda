"""Weights by how fast the losses fall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.balances.protocol import Balance, Seen

_STEPS = 100
_TEMPERATURE = 2.0


class DynamicAverage(Balance):
    """a = K softmax(r / 2), r_k = L_k(t - 1) / L_k(t - 2) (DWA; Liu, Johns and Davison, CVPR 2019).

    The losses are means over stretches of 100 steps, where the paper has epochs: one pass over the rows may
    be all there is. The first two stretches weigh all tasks alike.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__(weights)
        zeros = [0.0] * len(self.static)
        self.sums, self.counts = self.number("sums", zeros), self.number("counts", zeros)
        self.last, self.before = self.number("last", zeros), self.number("before", zeros)
        self.step = self.number("step", [0.0])

    def factors(self, seen: Seen) -> Any:
        """Return positive factors that sum to the number of tasks, [tasks]."""
        ratio = tf.where(self.before > 0, tf.math.divide_no_nan(self.last, self.before), 1.0)
        factors = len(self.static) * tf.nn.softmax(ratio / _TEMPERATURE)
        self._remember(seen)
        return factors

    def _remember(self, seen: Seen) -> None:
        self.sums.assign_add(seen.losses)
        self.counts.assign_add(seen.present)
        self.step.assign_add([1.0])
        ends = tf.equal(tf.math.floormod(self.step, _STEPS), 0)
        mean = tf.math.divide_no_nan(self.sums, self.counts)
        self.before.assign(tf.where(ends, self.last, self.before))
        self.last.assign(tf.where(ends, mean, self.last))
        self.sums.assign(tf.where(ends, tf.zeros_like(self.sums), self.sums))
        self.counts.assign(tf.where(ends, tf.zeros_like(self.counts), self.counts))
