"""What a row weighs in a task's loss: as often as it would have to stand there; against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.batches import batches, label_of, weight_of
from tfrs_mtl.dataset.examples import Block, Examples, ModelInput
from tfrs_mtl.dataset.ranking_rows import row_weights
from tfrs_mtl.errors import DataError
from tfrs_mtl.layers.build import build
from tfrs_mtl.ranking.losses import mean_loss
from tfrs_mtl.ranking.model import RankingModel

_INPUTS = (ModelInput("numbers", "dense", 3),)
_RNG = np.random.default_rng(0)
_X = _RNG.normal(size=(8, 3)).astype(np.float32)
_LABELS = {
    "click": np.array([1, 1, 1, 1, 0, 0, np.nan, 1], np.float32),
    "cart": np.array([1, 1, 0, 1, np.nan, np.nan, np.nan, np.nan], np.float32),
    "spend": np.array([5, 3, np.nan, 1, np.nan, np.nan, np.nan, np.nan], np.float32),
}
_WEIGHTS = {
    "click": np.array([1, 2, 0, 3, 1, 4, 9, 1], np.float32),
    "cart": np.array([2, 0, 1, 1, 3, 1, 1, 5], np.float32),
    "spend": np.array([1, 3, 1, 0, 1, 1, 1, 1], np.float32),
}
_TASKS = (
    spec.Task(name="click", kind="binary", label="a", weight_by="w"),
    spec.Task(name="cart", kind="binary", label="b", when="click", weight_by="w"),
    spec.Task(name="spend", kind="regression", label="d", when="cart", weight_by="w"),
)


def _model(architecture: object) -> RankingModel:
    settings = {"tasks": _TASKS, "architecture": architecture, "hidden": (6,), "tower": (4,), "dropout": 0.0}
    model = RankingModel(_INPUTS, spec.Ranking.model_validate(settings))
    build(model, _INPUTS, seed=3)
    return model


def _batch(rows: Any = slice(None), *, weighed: tuple[str, ...] = ()) -> dict[str, Any]:
    columns = {"numbers": _X, **{label_of(n): v for n, v in _LABELS.items()}}
    columns |= {weight_of(name): _WEIGHTS[name] for name in weighed}
    return {name: tf.constant(values[rows]) for name, values in columns.items()}


def test_the_weighed_mean_is_that_of_numpy_and_nothing_without_weights() -> None:
    known = np.isfinite(_LABELS["click"])
    losses, weights = _RNG.random(8).astype(np.float32), _WEIGHTS["click"]
    found = mean_loss(tf.constant(losses), tf.constant(known), tf.constant(weights))
    expected = (weights * losses)[known].sum() / weights[known].sum()
    np.testing.assert_allclose(found.loss, expected, rtol=1e-6)
    none = mean_loss(tf.constant(losses), tf.constant(known), tf.zeros(8))
    assert (float(none.loss), float(none.present)) == (0.0, 0.0)


def test_a_binary_tasks_loss_is_the_weighed_cross_entropy() -> None:
    model = _model("shared_bottom")
    chance = model.predict({"numbers": _X})["click"].astype(np.float64)
    labels, weights = _LABELS["click"], _WEIGHTS["click"] * np.isfinite(_LABELS["click"])
    surprise = -np.where(labels == 1, np.log(chance), np.log(1 - chance))
    found = model._task_losses(model.encode(_batch()), _batch(weighed=("click",)), False).loss[0]
    np.testing.assert_allclose(found, (weights * surprise).sum() / weights.sum(), rtol=1e-5)


@pytest.mark.parametrize(
    "architecture",
    ["shared_bottom", "cgc", "esmm", "aitm", "escm2", {"name": "escm2", "method": "ips"}],
    ids=str,
)
@pytest.mark.parametrize("task", range(3))
def test_a_row_of_weight_n_counts_as_n_rows(architecture: object, task: int) -> None:
    model, name = _model(architecture), _TASKS[task].name
    rows = np.repeat(np.arange(8), _WEIGHTS[name].astype(int))
    repeated, weighed = _batch(rows), _batch(weighed=(name,))
    losses = [model._task_losses(model.encode(batch), batch, False).loss for batch in (repeated, weighed)]
    np.testing.assert_allclose(losses[1][task], losses[0][task], rtol=1e-5)


def test_null_and_a_drawn_negative_count_one_and_a_negative_weight_is_refused() -> None:
    source, is_drawn = np.array([0, 0, 1, 2]), np.array([False, True, False, False])
    found = row_weights(np.array([2.5, np.nan, 0], np.float32), source, is_drawn, task=_TASKS[0])
    assert found.tolist() == [2.5, 1, 1, 0]
    for strange in (-1.0, np.inf):
        with pytest.raises(DataError, match=r"task 'click': weight_by 'w' holds .*0, numbers above and null"):
            row_weights(np.array([1, strange], np.float32), np.arange(2), np.zeros(2, bool), task=_TASKS[0])


def test_a_batch_brings_the_weights_of_its_own_rows() -> None:
    block = Block({"numbers": _X})
    examples = Examples((block,), 8, labels=_LABELS, weights={"click": _WEIGHTS["click"]})
    batch = next(iter(batches(examples, 8, shuffle_seed=1)))
    of = {tuple(x): w for x, w in zip(_X.tolist(), _WEIGHTS["click"].tolist(), strict=True)}
    assert [of[tuple(x)] for x in batch["numbers"].numpy().tolist()] == batch[
        weight_of("click")
    ].numpy().tolist()
    assert weight_of("cart") not in batch
