"""Adam whose work follows the batch and not the size of the embedding tables."""

from __future__ import annotations

from typing import Any

from tfrs_mtl._tf import tf


class LazyAdam(tf.keras.optimizers.Adam):
    """Adam (Kingma and Ba, ICLR 2015) that leaves alone the embedding rows which a batch does not hold.

    Dense gradients are treated as in Adam. For a sparse one, moments and values of the batch's rows alone are
    read and written; Keras' Adam decays and moves every row of the table at every step. The rows' moments
    hence decay by the steps that hold them and not by all steps.

    Args:
        learning_rate: the step size, or a Keras schedule of it.
    """

    def __init__(self, learning_rate: Any = 1e-3, **kwargs: Any) -> None:
        super().__init__(learning_rate, **{"jit_compile": False, **kwargs})

    def update_step(self, gradient: Any, variable: Any) -> None:
        """Update one variable; the indices of a sparse gradient are unique (the base class sees to that)."""
        if not isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable)
            return
        rows, values = gradient.indices, gradient.values
        index = self._index_dict[self._var_key(variable)]
        first, second = self._momentums[index], self._velocities[index]
        mean = self.beta_1 * tf.gather(first, rows) + (1 - self.beta_1) * values
        square = self.beta_2 * tf.gather(second, rows) + (1 - self.beta_2) * tf.square(values)
        first.scatter_update(tf.IndexedSlices(mean, rows))
        second.scatter_update(tf.IndexedSlices(square, rows))
        move = self._step_size() * mean / (tf.sqrt(square) + self.epsilon)
        variable.scatter_sub(tf.IndexedSlices(move, rows))

    def _step_size(self) -> Any:
        step = tf.cast(self.iterations + 1, tf.float32)
        correction = tf.sqrt(1 - tf.pow(self.beta_2, step)) / (1 - tf.pow(self.beta_1, step))
        return tf.cast(self.learning_rate, tf.float32) * correction
