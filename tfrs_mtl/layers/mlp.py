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
    return tf.keras.Sequential(hidden_layers(units, dropout=dropout))


def hidden_layers(units: Sequence[int], *, dropout: float = 0.0) -> list[Any]:
    """Return the layers of ``mlp``; the first is affine, and the only one where there are no units."""
    layers: list[Any] = []
    for width in units:
        layers += [tf.keras.layers.Dense(width), tf.keras.layers.ReLU()]
        if dropout > 0:
            layers.append(Dropout(dropout))
    return layers or [tf.keras.layers.Activation("linear")]
