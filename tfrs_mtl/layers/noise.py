"""Noise of training whose random state is part of a checkpoint, so that a resumed run draws the same.

Keras' own Dropout keeps its state out of checkpoints.
"""

from __future__ import annotations

from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import UNKNOWN


class Dropout(tf.keras.layers.Layer):
    """In training, zeroes each value with probability ``rate`` and scales the others by 1 / (1 - rate)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.generator = tf.random.Generator.from_seed(0)

    def call(self, values: Any, training: Any = None) -> Any:
        """Return values of the same shape."""
        if not training or self.rate == 0:
            return values
        kept = self.generator.uniform(tf.shape(values)) >= self.rate
        return tf.where(kept, values / (1.0 - self.rate), tf.zeros_like(values))


class HideIds(tf.keras.layers.Layer):
    """In training, turns each id into UNKNOWN with probability ``rate``, so that its row is trained."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.generator = tf.random.Generator.from_seed(0)

    def call(self, ids: Any, training: Any = None) -> Any:
        """Return ids of the same shape."""
        if not training or self.rate == 0:
            return ids
        kept = self.generator.uniform(tf.shape(ids)) >= self.rate
        return tf.where(kept, ids, tf.fill(tf.shape(ids), tf.constant(UNKNOWN, ids.dtype)))


class Normal(tf.keras.layers.Layer):
    """Draws standard normal numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = tf.random.Generator.from_seed(0)

    def draw(self, size: int) -> Any:
        """Return numbers [size], others at each call."""
        return self.generator.normal([size])


def seed_noise(model: Any, seed: int) -> None:
    """Set the random state of every noise layer of a model; each draws a stream of its own."""
    layers = [part for part in model.submodules if isinstance(part, (Dropout, HideIds, Normal))]
    for number, layer in enumerate(layers):
        layer.generator.reset_from_seed(seed * 1_000 + number)
