"""CGC and PLE against numpy, and a network a task."""

from __future__ import annotations

import numpy as np
import pytest

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.layers.experts import Experts
from tfrs_mtl.ranking.architectures.extraction import LayeredExtraction
from tfrs_mtl.ranking.architectures.single import SeparateNetworks

TASKS = tuple(spec.Task(name=name, kind="binary", label=name) for name in ("click", "cart", "buy"))
X = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
SHARED, OWN = 2, 2


def _ranking(architecture: spec.Architecture, **sizes: object) -> spec.Ranking:
    return spec.Ranking.model_validate(
        {"tasks": TASKS, "architecture": architecture, "hidden": (7, 4), "tower": (3,), **sizes}
    )


def _expert(x: np.ndarray, experts: Experts, number: int) -> np.ndarray:
    for kernel, bias in zip(experts.kernels, experts.biases, strict=True):
        x = np.maximum(x @ kernel.numpy()[number] + bias.numpy()[number], 0)
    return x


def _tower(x: np.ndarray, tower: tf.keras.layers.Layer) -> np.ndarray:
    kernel, bias = (w.numpy() for w in tower.weights)
    return np.maximum(x @ kernel + bias, 0)


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def _level(streams: list[np.ndarray], experts: Experts, logits: list[np.ndarray]) -> list[np.ndarray]:
    """Mix one level's experts: two shared ones, then two of each of three tasks; the last stream is all's."""
    owner = [3, 3, 0, 0, 1, 1, 2, 2]
    outputs = [_expert(streams[stream], experts, e) for e, stream in enumerate(owner)]
    mixed = []
    for stream, found in enumerate(logits):
        seen = [e for e in range(8) if stream == 3 or owner[e] in (3, stream)]
        gate = _softmax(found[:, seen])
        mixed.append(sum(gate[:, n : n + 1] * outputs[e] for n, e in enumerate(seen)))
    return mixed


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_extraction_is_its_formula(levels: int) -> None:
    chosen: spec.Architecture = spec.Ple(experts=SHARED, own_experts=OWN, levels=max(levels, 2))
    if levels == 1:
        chosen = spec.Cgc(experts=SHARED, own_experts=OWN)
    tf.keras.utils.set_random_seed(levels)
    model = LayeredExtraction(_ranking(chosen))
    model(X)
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:  # biases too
        weight.assign(rng.normal(size=weight.shape) * 0.5)
    found = model(X)
    streams = [X] * 4
    for level in range(levels):
        count = 4 if level < levels - 1 else 3
        if level == 0:
            kernel, bias = (w.numpy() for w in model.gate.weights)
            logits = np.split(X @ kernel + bias, count, axis=1)
        else:
            kernel, bias = (w.numpy() for w in model.gates[level - 1].weights)
            logits = [streams[s] @ kernel[s] + bias[s] for s in range(count)]
        streams = _level(streams, model.experts[level], logits)
    assert len(streams) == 3
    for stream, (name, tower) in zip(streams, model.towers.items(), strict=True):
        np.testing.assert_allclose(found[name], _tower(stream, tower), rtol=1e-4, atol=1e-5)


def test_a_task_of_cgc_moves_no_expert_of_another() -> None:
    model = LayeredExtraction(_ranking(spec.Cgc(experts=SHARED, own_experts=OWN)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(X)["cart"]))
    moved = np.abs(tape.gradient(loss, model.experts[0].kernels[0]).numpy()).max(axis=(1, 2))
    assert (moved > 0).tolist() == [True, True, False, False, True, True, False, False]


def test_at_the_second_level_of_ple_a_task_moves_what_the_shared_stream_saw_of_others() -> None:
    model = LayeredExtraction(_ranking(spec.Ple(experts=SHARED, own_experts=OWN)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(X)["cart"]))
    first, second = tape.gradient(loss, [experts.kernels[0] for experts in model.experts])
    assert (np.abs(first.numpy()).max(axis=(1, 2)) > 0).all()
    moved = np.abs(second.numpy()).max(axis=(1, 2)) > 0
    assert moved.tolist() == [True, True, False, False, True, True, False, False]


def test_single_is_a_network_a_task() -> None:
    tf.keras.utils.set_random_seed(0)
    model = SeparateNetworks(_ranking(spec.Single()))
    found = model(X)
    for k, (name, tower) in enumerate(model.towers.items()):
        np.testing.assert_allclose(
            found[name], _tower(_expert(X, model.networks, k), tower), rtol=1e-4, atol=1e-6
        )
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(X)["buy"]))
    moved = np.abs(tape.gradient(loss, model.networks.kernels[0]).numpy()).max(axis=(1, 2))
    assert (moved > 0).tolist() == [False, False, True]
