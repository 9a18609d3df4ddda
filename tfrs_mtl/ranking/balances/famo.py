"""Weights by which all losses fall at one rate, without any task's gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.balances.adam import Adam
from tfrs_mtl.ranking.balances.protocol import Balance, Seen

_RATE, _DECAY = 0.025, 0.01
_LEAST = 1e-8


class FastAdaptive(Balance):
    """a_k = c z_k / L_k, z = softmax(xi), c = K / sum_k (z_k / L_k) (FAMO; Liu et al., NeurIPS 2023).

    After the step, xi moves by Adam along J^T d + 0.01 xi, with d_k = log L_k before less after, of the same
    batch, and J the slope of the softmax: who has gained most is weighed less. The scale of a loss, and with
    it the static weight, has no part in it. In the paper c is such that a sums to another number than K; Adam
    does not mind.
    """

    reads_losses_after = True

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__(weights)
        tasks = len(self.static)
        self.logits, self.adam = self.number("logits", [0.0] * tasks), Adam(self, tasks, rate=_RATE)
        self.before = self.number("before", [0.0] * tasks)

    def factors(self, seen: Seen) -> Any:
        """Return positive factors that sum to the number of tasks, 0 for a task that is absent, [tasks]."""
        self.before.assign(_log(seen.losses))
        shares = seen.present * tf.nn.softmax(self.logits) / tf.maximum(seen.losses, _LEAST)
        return len(self.static) * tf.math.divide_no_nan(shares, tf.reduce_sum(shares))

    def learn(self, losses: Any, present: Any) -> None:
        """Move xi by what the step has brought to each task."""
        static = tf.constant(self.static, losses.dtype)
        gained = present * (self.before - _log(static * losses))
        weights = tf.nn.softmax(self.logits)
        slope = weights * (gained - tf.reduce_sum(weights * gained))
        self.logits.assign_add(self.adam.step(slope + _DECAY * self.logits))


def _log(losses: Any) -> Any:
    return tf.math.log(tf.maximum(losses, _LEAST))
