"""The step near the mean gradient that helps the worst-off task most."""

from __future__ import annotations

from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.balances.protocol import Balance, Seen

_RADIUS = 0.5
_ITERATIONS = 20
_PACE = 10.0  # of 60 random problems the worst is 5 % of |g_0|^2 off, most 0.3 %


class ConflictAverse(Balance):
    """max_d min_k g_k . d with |d - g_0| <= c |g_0| (CAGrad; Liu et al., NeurIPS 2021), c = 0.5.

        d = (g_0 + c |g_0| g_w / |g_w|) / (1 + c^2),  w = argmin_w g_w . g_0 + c |g_0| |g_w| on the simplex

    g_0: the mean of the tasks' gradients in the shared representation; g_w = sum_k w_k g_k. w is found by 20
    steps of exponentiated gradient. a is K times what each g_k counts in d, so that c = 0 would be the sum.
    """

    reads_gradients = True

    def factors(self, seen: Seen) -> Any:
        """Return positive factors, [tasks]."""
        tasks = len(self.static)
        count = tf.reduce_sum(seen.present)
        equal = tf.math.divide_no_nan(seen.present, count)
        worst = worst_mixture(seen.gram, equal)
        reach = _RADIUS * _norm(seen.gram, equal)
        pull = tf.math.divide_no_nan(reach, _norm(seen.gram, worst))
        return tasks * (equal + pull * worst) / (1 + _RADIUS**2)


def worst_mixture(gram: Any, equal: Any) -> Any:
    """Return w, [tasks].

    Args:
        gram: inner products of the gradients, [tasks, tasks].
        equal: the shares in g_0, [tasks]; a task without a share gets none.
    """
    pull = tf.linalg.matvec(gram, equal)
    reach = _RADIUS * _norm(gram, equal)

    def step(number: Any, mixture: Any) -> tuple[Any, Any]:
        bend = tf.math.divide_no_nan(tf.linalg.matvec(gram, mixture), _norm(gram, mixture))
        slope = pull + reach * bend
        lowest = tf.reduce_min(slope)
        down = tf.math.divide_no_nan(slope - lowest, tf.reduce_max(slope) - lowest)
        moved = mixture * tf.exp(-_PACE / (1 + number) * down)
        return number + 1, tf.math.divide_no_nan(moved, tf.reduce_sum(moved))

    start = tf.zeros((), equal.dtype), equal
    return tf.while_loop(lambda number, _: number < _ITERATIONS, step, start)[1]


def _norm(gram: Any, mixture: Any) -> Any:
    return tf.sqrt(tf.maximum(tf.tensordot(mixture, tf.linalg.matvec(gram, mixture), 1), 0.0))
