"""Gradients freed of what opposes other tasks'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.layers.noise import Normal
from tfrs_mtl.ranking.balances.protocol import Balance, Seen


class ProjectedGradients(Balance):
    """g_i loses its part along g_j where the two point apart, then all are summed (PCGrad; Yu et al., 2020).

        for j in a random order: if g_i' . g_j < 0: g_i' -= (g_i' . g_j / |g_j|^2) g_j

    The gradients are those in the shared representation, and each g_i' is a combination of them: a_k is what
    g_k counts in the sum. The order is drawn each step, the same for all i.
    """

    reads_gradients = True

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__(weights)
        self.normal = Normal()

    def factors(self, seen: Seen) -> Any:
        """Return factors of 1 and above, [tasks]."""
        tasks = len(self.static)
        return project(seen.gram, tf.argsort(self.normal.draw(tasks)), tasks)


def project(gram: Any, order: Any, tasks: int) -> Any:
    """Return what each gradient counts in the sum of the projected ones, [tasks].

    Args:
        gram: inner products of the gradients, [tasks, tasks].
        order: in which the others are projected out, a permutation [tasks].
    """
    kept = tf.eye(tasks, dtype=gram.dtype)  # row i: g_i' by the g_k
    for place in range(tasks):
        other = order[place]
        along = tf.linalg.matvec(kept, gram[other])
        is_other = tf.one_hot(other, tasks, dtype=gram.dtype)
        against = tf.minimum(along, 0.0) * (1 - is_other)
        kept -= tf.math.divide_no_nan(against, gram[other, other])[:, tf.newaxis] * is_other
    return tf.reduce_sum(kept, axis=0)
