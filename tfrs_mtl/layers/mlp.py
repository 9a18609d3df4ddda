"""Hidden layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.layers.noise import Dropout


def mlp(units: Sequence[int], *, dropout: float = 0.0) -> Any:
    """Return a Keras layer [batch, any] -> [batch, units[-1]]: dense, ReLU and dropout for each width.

    Without units it is the identity.
    """
    layers: list[Any] = []
    for width in units:
        layers.append(tf.keras.layers.Dense(width, activation="relu"))
        if dropout > 0:
            layers.append(Dropout(dropout))
    return tf.keras.Sequential(layers or [tf.keras.layers.Activation("linear")])
