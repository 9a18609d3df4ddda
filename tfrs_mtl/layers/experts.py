"""Experts: networks of one shape that are computed together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.layers.noise import Dropout


def _each_glorot(shape: Any, dtype: Any = None, **_: Any) -> Any:
    """Draw each expert's kernel by itself: Keras would take the experts for a receptive field."""
    return tf.stack([tf.keras.initializers.GlorotUniform()(shape[1:], dtype=dtype) for _ in range(shape[0])])


class Experts(tf.keras.layers.Layer):
    """E networks side by side: f_e(x) = relu(... relu(x A_e1 + c_e1) ...), one batched product a layer.

    [batch, in] -> [batch, E, units[-1]].

    Args:
        experts: E.
        units: the widths of each expert's layers; at least one.
        dropout: after each layer, in training.
    """

    def __init__(self, experts: int, units: Sequence[int], *, dropout: float = 0.0) -> None:
        super().__init__()
        self.experts = experts
        self.units = tuple(units)
        self.noise = [Dropout(dropout) for _ in units]

    def build(self, shape: Any) -> None:
        """Create a kernel [E, in, out] and a bias [E, out] a layer."""
        widths = [shape[-1], *self.units]
        self.kernels = [
            self.add_weight(name=f"kernel_{n}", shape=(self.experts, width, out), initializer=_each_glorot)
            for n, (width, out) in enumerate(zip(widths, self.units, strict=False))
        ]
        self.biases = [
            self.add_weight(name=f"bias_{n}", shape=(self.experts, out), initializer="zeros")
            for n, out in enumerate(self.units)
        ]

    def call(self, x: Any, training: Any = None) -> Any:
        """Return every expert's output."""
        equation = "bi,eio->beo"
        for kernel, bias, noise in zip(self.kernels, self.biases, self.noise, strict=True):
            x = noise(tf.nn.relu(tf.einsum(equation, x, kernel) + bias), training=training)
            equation = "bei,eio->beo"
        return x
