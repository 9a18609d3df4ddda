"""Giving a model its variables before it has seen any data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import ModelInput
from tfrs_mtl.layers.features import zeros
from tfrs_mtl.layers.noise import seed_noise


def build(model: Any, inputs: Sequence[ModelInput], *, seed: int = 0) -> None:
    """Create all variables of a model from the description of its inputs alone.

    The same seed gives the same weights. This sets the random state of Python, numpy and TensorFlow, because
    Keras draws the weights from there.

    Args:
        model: a model whose ``call`` takes a dict of arrays.
        inputs: every input of the model.
        seed: of the initial weights and of the noise in training.
    """
    tf.keras.utils.set_random_seed(seed)
    model(zeros(inputs))
    seed_noise(model, seed)
