"""Experts against a loop in numpy."""

from __future__ import annotations

import numpy as np

from tfrs_mtl._tf import tf
from tfrs_mtl.layers.experts import Experts


def test_each_expert_is_a_network_of_its_own() -> None:
    tf.keras.utils.set_random_seed(0)
    layer = Experts(3, (5, 4))
    x = np.random.default_rng(0).normal(size=(7, 6)).astype(np.float32)
    output = layer(x).numpy()
    for e in range(3):
        hidden = x
        for kernel, bias in zip(layer.kernels, layer.biases, strict=True):
            hidden = np.maximum(hidden @ kernel[e].numpy() + bias[e].numpy(), 0)
        np.testing.assert_allclose(output[:, e], hidden, rtol=1e-5, atol=1e-6)


def test_kernels_start_apart_and_at_the_scale_of_one_expert() -> None:
    tf.keras.utils.set_random_seed(0)
    layer = Experts(4, (128,))
    layer(tf.zeros([1, 100]))
    kernel = layer.kernels[0].numpy()
    assert np.abs(kernel[0] - kernel[1]).max() > 0.01
    assert abs(kernel.std() - np.sqrt(2 / (100 + 128))) < 0.005
