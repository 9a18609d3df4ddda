"""Architectures held to their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.layers.experts import Experts
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.ranking.architectures import ARCHITECTURES
from tfrs_mtl.ranking.architectures.mmoe import MultiGateMixture
from tfrs_mtl.ranking.architectures.shared_bottom import SharedBottom
from tfrs_mtl.ranking.architectures.stem import TaskEmbeddings

TASKS = (
    spec.Task(name="click", kind="binary", label="clicked"),
    spec.Task(name="buy", kind="binary", label="bought", when="click"),
    spec.Task(name="spend", kind="regression", label="value", when="buy"),
)
X = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)


def _ranking(architecture: str | spec.Architecture) -> spec.Ranking:
    return spec.Ranking(tasks=TASKS, architecture=architecture, hidden=(7, 4), tower=(3,))  # type: ignore[arg-type]


def _dense(x: np.ndarray, layer: tf.keras.layers.Layer) -> np.ndarray:
    kernel, bias = (w.numpy() for w in layer.weights)
    return np.maximum(x @ kernel + bias, 0)


def test_shared_bottom_is_its_formula() -> None:
    tf.keras.utils.set_random_seed(0)
    model = SharedBottom(_ranking("shared_bottom"))
    found = model(X)
    hidden = X
    for layer in [model.entry, *model.bottom.layers]:
        hidden = _dense(hidden, layer) if layer.weights else hidden
    for name, tower in model.towers.items():
        np.testing.assert_allclose(found[name], _dense(hidden, tower.layers[0]), rtol=1e-5, atol=1e-6)


def test_mmoe_is_its_formula() -> None:
    tf.keras.utils.set_random_seed(0)
    model = MultiGateMixture(_ranking(spec.Mmoe(experts=3)))
    found = model(X)
    kernels = [k.numpy() for k in model.experts.kernels]
    experts = [np.maximum(np.maximum(X @ kernels[0][e], 0) @ kernels[1][e], 0) for e in range(3)]
    gate_kernel = model.gate.kernel.numpy()
    for k, (name, tower) in enumerate(model.towers.items()):
        logits = X @ gate_kernel[:, 3 * k : 3 * k + 3]
        gate = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        mixed = sum(gate[:, e : e + 1] * experts[e] for e in range(3))
        np.testing.assert_allclose(found[name], _dense(mixed, tower.layers[0]), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(model.gates(model.gate(X))[:, k], gate, rtol=1e-5)


SEGMENTS = (Segment(1, 0), Segment(1, 3))
"""Of the six columns of X: 0, 1 and 5 are shared, 2 is the click's own, 3 the purchase's, 4 the spend's."""


def test_stem_is_its_formula() -> None:
    tf.keras.utils.set_random_seed(0)
    model = TaskEmbeddings(_ranking(spec.Stem(experts=2, own_experts=2, own_dim=1)), SEGMENTS)
    found = model(X)
    shared = X[:, [0, 1, 5]]
    own_kernel, own_gate = model.kernel.numpy(), model.gate_kernel.numpy()
    for k, (column, (name, tower)) in enumerate(zip((2, 3, 4), model.towers.items(), strict=True)):
        own, columns = X[:, [column]], slice(4 * k, 4 * k + 4)
        logits = shared @ model.gate.kernel.numpy()[:, columns] + own @ own_gate[k]
        gate = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        experts = [_expert(shared, model.experts, e) for e in range(2)]
        experts += [
            _expert(shared, model.experts, 2 + 2 * k + e, beside=own @ own_kernel[k][:, 7 * e : 7 * e + 7])
            for e in range(2)
        ]
        mixed = sum(gate[:, n : n + 1] * expert for n, expert in enumerate(experts))
        np.testing.assert_allclose(found[name], _dense(mixed, tower.layers[0]), rtol=1e-4, atol=1e-6)


def _expert(x: np.ndarray, experts: Experts, number: int, *, beside: np.ndarray | float = 0.0) -> np.ndarray:
    """``beside`` is what other inputs add to the first layer."""
    for kernel, bias in zip(experts.kernels, experts.biases, strict=True):
        x = np.maximum(x @ kernel.numpy()[number] + beside + bias.numpy()[number], 0)
        beside = 0.0
    return x


def test_a_task_of_stem_moves_no_embedding_of_another() -> None:
    model = TaskEmbeddings(_ranking(spec.Stem(experts=2, own_experts=1, own_dim=1)), SEGMENTS)
    x = tf.Variable(X)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(x)["click"]))
    moved = np.abs(tape.gradient(loss, x).numpy()).max(axis=0)
    assert not moved[[3, 4]].any()
    assert (moved[[0, 1, 2, 5]] > 0).all()


def test_in_training_alone_stems_own_experts_and_gates_move_no_shared_embedding() -> None:
    model = TaskEmbeddings(_ranking(spec.Stem(experts=2, own_experts=1, own_dim=1)), SEGMENTS)
    x = tf.Variable(X)
    model(x)
    kernel, shared_experts = model.experts.kernels[0], np.arange(5)[:, None, None] < 2
    kernel.assign(np.where(shared_experts, 0, kernel.numpy()))  # the task's own part moves them now
    shared = model.separate(tf.range(X.shape[1], dtype=tf.float32)[tf.newaxis])[0].numpy()[0].astype(int)
    for training in (True, False):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(model(x, training=training)["click"]))
        moved = np.abs(tape.gradient(loss, x).numpy()).max(axis=0)
        assert moved.any()
        assert moved[shared].any() != training


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_architecture_represents_every_task_and_rests_outside_training(name: str) -> None:
    model = ARCHITECTURES[name](_ranking(name).model_copy(update={"dropout": 0.5}), SEGMENTS)
    first, second = model(X), model(X)
    assert list(first) == ["click", "buy", "spend"]
    for task in first:
        assert first[task].shape == (5, 32 if name == "dbmtl" and task != "click" else 3)
        np.testing.assert_array_equal(first[task], second[task])


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_architecture_of_the_spec_drops_out_in_training(name: str) -> None:
    model = ARCHITECTURES[name](_ranking(name).model_copy(update={"dropout": 0.5}), SEGMENTS)
    model(X)
    drawn = [np.concatenate(list(model(X, training=True).values()), axis=1) for _ in range(5)]
    assert any((other != drawn[0]).any() for other in drawn[1:])
