"""Experts: networks of one shape that are computed together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.layers.noise import Dropout


def each_glorot(shape: Any, dtype: Any = None, **_: Any) -> Any:
    """Draw kernels [E, in, out] each by itself: Keras would take the experts for a receptive field."""
    return tf.stack([tf.keras.initializers.GlorotUniform()(shape[1:], dtype=dtype) for _ in range(shape[0])])


class Experts(tf.keras.layers.Layer):
    """E networks side by side: f_e(x) = relu(... relu(x A_e1 + c_e1) ...), one batched product a layer.

    [batch, in] -> [batch, E, units[-1]]. ``first`` and ``rest`` are its two halves: the product with the
    input, and all that comes after.

    Args:
        experts: E.
        units: the widths of each expert's layers; at least one.
        dropout: after each layer, in training.
    """

    def __init__(self, experts: int, units: Sequence[int], *, dropout: float = 0.0) -> None:
        super().__init__()
        self.experts = experts
        self.units = tuple(units)
        self.width = experts * self.units[0]
        self.noise = [Dropout(dropout) for _ in units]

    def build(self, shape: Any) -> None:
        """Create a kernel [E, in, out] and a bias [E, out] a layer."""
        super().build(shape)
        widths = [shape[-1], *self.units]
        self.kernels = [
            self.add_weight(name=f"kernel_{n}", shape=(self.experts, width, out), initializer=each_glorot)
            for n, (width, out) in enumerate(zip(widths, self.units, strict=False))
        ]
        self.biases = [
            self.add_weight(name=f"bias_{n}", shape=(self.experts, out), initializer="zeros")
            for n, out in enumerate(self.units)
        ]

    def call(self, x: Any, training: Any = None) -> Any:
        """Return every expert's output."""
        return self.rest(self.first(x), training=training)

    def first(self, x: Any, *, start: int = 0, stop: int | None = None) -> Any:
        """Return the first layer of a built layer before its activation, affine in x, [batch, width].

        ``start`` and ``stop`` leave out experts, as in a slice.
        """
        kernel, bias = self.kernels[0][start:stop], self.biases[0][start:stop]
        columns = bias.shape[0] * bias.shape[1]
        kernel = tf.reshape(tf.transpose(kernel, [1, 0, 2]), [-1, columns])
        return tf.matmul(x, kernel) + tf.reshape(bias, [columns])

    def first_apart(self, x: Any) -> Any:
        """Return what ``first`` does where each expert has an input of its own, [batch, E, in]."""
        return tf.reshape(tf.einsum("bei,eio->beo", x, self.kernels[0]) + self.biases[0], [-1, self.width])

    def rest(self, z: Any, training: Any = None) -> Any:
        """Return every expert's output from what ``first`` gave."""
        x = self.noise[0](tf.nn.relu(tf.reshape(z, [-1, self.experts, self.units[0]])), training=training)
        for kernel, bias, noise in zip(self.kernels[1:], self.biases[1:], self.noise[1:], strict=True):
            x = noise(tf.nn.relu(tf.einsum("bei,eio->beo", x, kernel) + bias), training=training)
        return x
