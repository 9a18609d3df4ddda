"""The tasks' gradients in what they share, and what is noted of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.batches import label_of
from tfrs_mtl.dataset.examples import Block, Examples, ModelInput
from tfrs_mtl.layers.build import build
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.ranking.conflict import cosines, shared_columns
from tfrs_mtl.ranking.model import RankingModel
from tfrs_mtl.training.fit import fit
from tfrs_mtl.training.history import History
from tfrs_mtl.training.observing import task_figures

INPUTS = (ModelInput("numbers", "dense", 3), ModelInput("item", "category", 20, "item", 4))
TASKS = tuple(spec.Task(name=name, kind="binary", label=name) for name in ("yes", "same", "no"))


def _model(**options: Any) -> RankingModel:
    ranking = spec.Ranking(tasks=TASKS, hidden=(8,), tower=(), dropout=0.0, **options)
    model = RankingModel(INPUTS, ranking)
    build(model, INPUTS, seed=1)
    return model


def _examples(rows: int = 400) -> Examples:
    """Planted: the third task wants the opposite of the other two."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(rows, 3)).astype(np.float32)
    yes = (numbers[:, 0] > 0).astype(np.float32)
    item = rng.integers(2, 20, rows).astype(np.int32)
    labels = {"yes": yes, "same": yes, "no": 1 - yes}
    return Examples((Block({"numbers": numbers, "item": item}),), rows, labels)


def _batch(examples: Examples) -> dict[str, tf.Tensor]:
    labels = {label_of(name): tf.constant(values) for name, values in examples.labels.items()}
    return {**{n: tf.constant(v) for n, v in examples.gather(0, examples.size).items()}, **labels}


def test_columns_of_single_tasks_are_not_shared() -> None:
    found = shared_columns((Segment(2, 0), Segment(1, 3)), width=8)
    assert found.tolist() == [1, 1, 1, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("architecture", ["shared_bottom", "stem"])
def test_the_gram_matrix_is_that_of_the_gradients_one_by_one(architecture: str) -> None:
    model, batch = _model(architecture=architecture), _batch(_examples(30))
    gradients = []
    for k in range(3):
        x = model.encode(batch)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = model._task_losses(x, batch, True).loss[k]
        shared = shared_columns(model.encoder.segments, x.shape[-1])
        gradients.append((tape.gradient(loss, x).numpy() * shared).ravel())
    losses, gram = model.losses_with_gram(batch)
    np.testing.assert_allclose(gram, np.inner(gradients, gradients), rtol=1e-4, atol=1e-9)
    assert losses.loss.shape == losses.present.shape == (3,)


def test_cosines_are_those_of_the_gram_matrix_and_nan_without_a_gradient() -> None:
    found = cosines(np.array([[4.0, -3.0, 0], [-3.0, 9.0, 0], [0, 0, 0]]), ["a", "b", "c"])
    assert found["a", "b"] == pytest.approx(-0.5)
    assert np.isnan(found["a", "c"])


@pytest.mark.parametrize("balance", ["static", "uncertainty", "dwa", "famo", "pcgrad"])
def test_a_training_by_each_kind_of_balance_finds_what_is_planted_and_notes_weights_and_conflicts(
    balance: str, tmp_path: Path
) -> None:
    model, examples = _model(balance=balance, architecture="shared_bottom"), _examples()
    settings = spec.Training(epochs=2, batch_size=40, learning_rate=0.02)
    metrics = iter([0.1, 0.2])
    history = fit(
        model,
        examples,
        settings=settings,
        seed=1,
        validate=lambda: next(metrics),
        directory=tmp_path / "run",
        observe=lambda batches: task_figures(model, batches),
    )
    assert history.epochs[1].loss < history.epochs[0].loss
    figures = history.epochs[0].figures
    weights = [figures[f"weight/{task.name}"] for task in TASKS]
    assert min(weights) > 0
    assert list(figures)[3:] == ["conflict/yes/same", "conflict/yes/no", "conflict/same/no"]
    assert all(-1 <= figures[name] <= 1 for name in list(figures)[3:])
    assert History.from_json(json.loads(json.dumps(history.to_json()))) == history
    if balance == "static":
        assert weights == [1, 1, 1]
    found = model.predict(examples.gather(0, examples.size))
    for name, labels in examples.labels.items():
        assert np.mean((found[name] > 0.5) == labels) > 0.8


def test_the_gates_of_an_epoch_are_the_mean_over_its_batches() -> None:
    model, halves = _model(architecture="mmoe"), [_batch(_examples(20)), _batch(_examples(40))]
    figures = task_figures(model, halves)
    told = {name: value for name, value in figures.items() if name.startswith("gate ")}
    layer = model.architecture
    shares = [layer.mixing(layer.first(model.encode(half))).numpy().mean(axis=0) for half in halves]
    expected = np.mean(shares, axis=0)
    assert list(told) == [f"gate {task.name}/{n}" for task in TASKS for n in range(1, expected.shape[1] + 1)]
    np.testing.assert_allclose(list(told.values()), expected.ravel(), atol=1e-6)


def test_opposite_labels_give_opposite_gradients_where_tasks_share_their_tower_s_input() -> None:
    """Planted: heads of one weight; then what one task wants is exactly what the other does not."""
    model = _model(architecture="shared_bottom")
    for head in model.heads.values():
        head.linear.kernel.assign(tf.ones_like(head.linear.kernel))
    figures = task_figures(model, [_batch(_examples())])
    assert figures["conflict/yes/same"] == pytest.approx(1, abs=1e-3)
    assert figures["conflict/yes/no"] < 0
    assert task_figures(model, []) == {}


def test_a_single_task_has_no_figures() -> None:
    model = RankingModel(INPUTS, spec.Ranking(tasks=TASKS[:1], hidden=(8,), dropout=0.0))
    build(model, INPUTS)
    assert task_figures(model, [_batch(_examples(5))]) == {}
