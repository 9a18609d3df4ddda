"""What a balance offers to the model that it is part of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl._tf import tf


class Seen(NamedTuple):
    """What a balance sees of a batch, every loss multiplied by its task's static weight.

    Attributes:
        losses: the tasks' mean losses, [tasks]; 0 where absent.
        present: whether the batch holds anything of a task, 0 or 1, [tasks].
        gram: inner products of the losses' gradients in the shared representation, [tasks, tasks]; None where
            the balance does not read them.
    """

    losses: Any
    present: Any
    gram: Any


class Balance(tf.keras.layers.Layer):
    """sum_k a_k w_k L_k: w_k are the static weights, a_k what ``factors`` makes of the batch.

    A balance that works on gradients says by the a_k how the tasks' gradients in the shared representation
    combine, sum_k a_k g_k. So only the architecture is differentiated once a task, and nobody keeps a
    gradient of all parameters for each. The layers above the representation learn by the same weights.

    Args:
        weights: w, one a task, in the order of the losses.
    """

    reads_gradients = False
    """Whether ``factors`` needs ``Seen.gram``."""
    reads_losses_after = False
    """Whether ``learn`` needs the losses after the step, which costs another pass forward."""

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__()
        self.static = tuple(weights)
        # The factors of an epoch so far, and how many steps they are the sum of.
        self.total = self.number("total", [0.0] * (len(self.static) + 1))

    def call(self, losses: Any, present: Any, gram: Any = None, training: Any = False) -> Any:
        """Return the balanced loss of a batch, a scalar.

        Args:
            losses, present, gram: as in ``Seen``, but without the static weights.
            training: where not, nothing is learnt or counted, and the factors are 1.
        """
        static = tf.constant(self.static, losses.dtype)
        if not training:
            return tf.reduce_sum(static * losses)
        if gram is not None:
            gram = gram * static * static[:, tf.newaxis]
        factors = tf.stop_gradient(self.factors(Seen(static * losses, present, gram)))
        self.note(factors)
        return tf.reduce_sum(factors * static * losses)

    def factors(self, seen: Seen) -> Any:
        """Return a, [tasks]; may change what the balance remembers."""
        raise NotImplementedError

    def learn(self, losses: Any, present: Any) -> None:
        """Take note of the losses [tasks] of the same batch after the step, where ``reads_losses_after``."""
        raise NotImplementedError

    def note(self, factors: Any) -> None:
        """Count the factors [tasks] of a step."""
        self.total.assign_add(tf.concat([factors, tf.ones(1, factors.dtype)], axis=0))

    def mean_factors(self) -> NDArray[np.float32]:
        """Return the mean of a since the last call, [tasks], and begin anew; NaN without a step."""
        total = self.total.numpy()
        self.total.assign(tf.zeros_like(self.total))
        return total[:-1] / total[-1] if total[-1] else np.full(len(self.static), np.nan, np.float32)

    def number(self, name: str, values: Sequence[float]) -> Any:
        """Add what a balance remembers from step to step, [len(values)]; no gradient moves it."""
        initial = tf.keras.initializers.Constant(values)
        return self.add_weight(name=name, shape=(len(values),), initializer=initial, trainable=False)
