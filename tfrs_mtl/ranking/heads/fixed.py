"""Weights that no training moves: what a head knows of its labels travels with the saved model."""

from __future__ import annotations

from typing import Any

from tfrs_mtl._tf import tf


def fixed(layer: Any, name: str, value: float, *, shape: tuple[int, ...] = ()) -> Any:
    """Add a scalar, or equal numbers of a shape, that the optimizer does not see."""
    initial = tf.keras.initializers.Constant(value)
    return layer.add_weight(name=name, shape=shape, initializer=initial, trainable=False)
