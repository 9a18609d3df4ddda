"""Adam for the few numbers that a balance learns beside the model."""

from __future__ import annotations

from typing import Any

from tfrs_mtl._tf import tf

_FIRST, _SECOND, _EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """Adam (Kingma and Ba, ICLR 2015) on one vector, whose moments are the balance's to keep.

    Args:
        balance: makes the moments by ``number``, so that they are part of its checkpoints.
        size: of the vector.
        rate: the step size.
    """

    def __init__(self, balance: Any, size: int, *, rate: float) -> None:
        self._rate = rate
        self._mean, self._square = (
            balance.number("mean", [0.0] * size),
            balance.number("square", [0.0] * size),
        )
        self._steps = balance.number("steps", [0.0])

    def step(self, gradient: Any) -> Any:
        """Return what is to be added to the vector, [size]."""
        self._steps.assign_add([1.0])
        self._mean.assign(_FIRST * self._mean + (1 - _FIRST) * gradient)
        self._square.assign(_SECOND * self._square + (1 - _SECOND) * tf.square(gradient))
        mean = self._mean / (1 - tf.pow(_FIRST, self._steps))
        square = self._square / (1 - tf.pow(_SECOND, self._steps))
        return -self._rate * mean / (tf.sqrt(square) + _EPSILON)
