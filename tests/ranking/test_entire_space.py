"""What is learnt from all rows, and not only from those where a condition came true, against numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.batches import label_of
from tfrs_mtl.dataset.examples import ModelInput
from tfrs_mtl.layers.build import build
from tfrs_mtl.ranking.entire_space import joint_label, log_chances, logit_of
from tfrs_mtl.ranking.model import RankingModel

TASKS = (
    spec.Task(name="click", kind="binary", label="a"),
    spec.Task(name="cart", kind="binary", label="b", when="click"),
    spec.Task(name="buy", kind="binary", label="c", when="cart"),
    spec.Task(name="spend", kind="regression", label="d", when="buy"),
)
INPUTS = (ModelInput("numbers", "dense", 3),)
X = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
NAN = float("nan")
LABELS = {
    "click": [1, 1, 1, 1, 0, 0, NAN, 1],
    "cart": [1, 1, 0, 1, NAN, 1, 1, NAN],  # what a row without a click says of carts teaches nothing
    "buy": [1, 0, 1, NAN, 1, NAN, 1, 1],
    "spend": [5.0, 3.0, NAN, NAN, NAN, NAN, NAN, NAN],
}
JOINT = {
    "click": [1, 1, 1, 1, 0, 0, NAN, 1],
    "cart": [1, 1, 0, 1, 0, 0, NAN, NAN],
    "buy": [1, 0, 0, NAN, 0, 0, NAN, NAN],
}
CHAINS = {"click": ("click",), "cart": ("click", "cart"), "buy": ("click", "cart", "buy")}


def _model(architecture: object) -> RankingModel:
    ranking = spec.Ranking.model_validate(
        {"tasks": TASKS, "architecture": architecture, "hidden": (6,), "tower": (4,), "dropout": 0.0}
    )
    model = RankingModel(INPUTS, ranking)
    build(model, INPUTS, seed=3)
    return model


def _batch(**changed: list[float]) -> dict[str, Any]:
    labels = {
        label_of(task): tf.constant(values, tf.float32) for task, values in {**LABELS, **changed}.items()
    }
    return {"numbers": tf.constant(X), **labels}


def _chances(model: RankingModel) -> dict[str, np.ndarray]:
    found = model.predict({"numbers": X})
    return {name: value.astype(np.float64) for name, value in found.items()}


def _entropy(label: np.ndarray, chance: np.ndarray) -> np.ndarray:
    return -(label * np.log(chance) + (1 - label) * np.log(1 - chance))


def _loss_of_products(chances: Mapping[str, np.ndarray], task: str) -> float:
    joint = np.array(JOINT[task])
    chance = np.prod([chances[name] for name in CHAINS[task]], axis=0)
    known = np.isfinite(joint)
    return float(_entropy(joint[known], chance[known]).mean())


def _loss_of_spend(chances: Mapping[str, np.ndarray]) -> float:
    return float((chances["spend"][0] - 5.0) ** 2)  # the one row that was bought


@pytest.mark.parametrize("task", sorted(JOINT))
def test_a_chain_came_true_where_all_of_it_did(task: str) -> None:
    np.testing.assert_array_equal(joint_label(CHAINS[task], _batch()), np.array(JOINT[task], np.float32))


def test_the_logit_of_a_product_is_exact_to_what_float32_knows() -> None:
    logits = {"a": np.array([0.0, 3.0, -40.0, 40.0]), "b": np.array([1.0, 3.0, -40.0, 40.0])}
    found = logit_of(log_chances(("a", "b"), {n: tf.constant(v, tf.float32) for n, v in logits.items()}))
    chance = np.prod([1 / (1 + np.exp(-value)) for value in logits.values()], axis=0)
    np.testing.assert_allclose(found[:3], np.log(chance[:3] / (1 - chance[:3])), rtol=1e-5)
    assert np.isfinite(found[3])
    assert found[3] > 10


@pytest.mark.parametrize("over", ["single", "mmoe"])
def test_esmm_learns_the_product_along_the_chain_from_all_rows(over: str) -> None:
    model = _model({"name": "esmm", "over": over})
    chances = _chances(model)
    expected = sum(_loss_of_products(chances, task) for task in JOINT) + _loss_of_spend(chances)
    assert float(model.compute_loss(_batch())) == pytest.approx(expected, rel=1e-4)


def test_esmm_moves_the_conversion_by_rows_without_a_click() -> None:
    labels = {"click": [0.0] * 8, "cart": [NAN] * 8, "buy": [NAN] * 8, "spend": [NAN] * 8}
    moved = {}
    for name in ("esmm", "single"):
        model = _model(name)
        with tf.GradientTape() as tape:
            loss = model.compute_loss(_batch(**labels))
        moved[name] = tape.gradient(loss, model.heads["buy"].trainable_weights)[0]
    assert np.abs(moved["esmm"].numpy()).max() > 0
    assert moved["single"] is None or not np.any(tf.convert_to_tensor(moved["single"]))


def _weighed(chances: Mapping[str, np.ndarray], task: str, floor: float) -> tuple[np.ndarray, ...]:
    """Return the rows that count, and their 1 / q where the task was observed, by hand."""
    before = {"cart": "click", "buy": "cart"}[task]
    came, label = np.array(JOINT[before]), np.array(LABELS[task])
    observed = (came == 1) & np.isfinite(label)
    chance = np.prod([chances[name] for name in CHAINS[before]], axis=0)
    weight = np.where(observed, 1 / np.maximum(chance, floor), 0.0)
    return (came == 0) | observed, weight, np.where(observed, label, 0.0)


def _weighed_spend(chances: Mapping[str, np.ndarray], floor: float) -> float:
    """Return the loss of the one row that was bought, among the five of which it is known whether."""
    bought = np.prod([chances[name] for name in CHAINS["buy"]], axis=0)[0]
    return _loss_of_spend(chances) / max(bought, floor) / 5


@pytest.mark.parametrize("floor", [0.01, 0.6])
def test_escm2_by_ips_weighs_what_was_observed_by_how_seldom_it_is(floor: float) -> None:
    model = _model({"name": "escm2", "method": "ips", "floor": floor, "joint": 0.5})
    chances = _chances(model)
    expected = _loss_of_products(chances, "click") + _weighed_spend(chances, floor)
    for task in ("cart", "buy"):
        counts, weight, label = _weighed(chances, task, floor)
        expected += (weight * _entropy(label, chances[task]))[counts].mean()
        expected += 0.5 * _loss_of_products(chances, task)
    assert float(model.compute_loss(_batch())) == pytest.approx(expected, rel=1e-4)


def test_doubly_robust_escm2_imputes_what_was_not_observed() -> None:
    model = _model({"name": "escm2", "method": "dr", "joint": 0.0, "floor": 0.1})
    chances = _chances(model)
    expected = _loss_of_products(chances, "click") + _weighed_spend(chances, 0.1)
    for task in ("cart", "buy"):
        kernels = [layer.kernel.numpy() for layer in model.architecture.imputation[task].layers[::2]]
        guess = 1 / (1 + np.exp(-(np.maximum(X @ kernels[0], 0) @ kernels[1])[:, 0]))
        counts, weight, label = _weighed(chances, task, 0.1)
        imputed, true = _entropy(guess, chances[task]), _entropy(label, chances[task])
        robust = imputed + weight * (true - imputed) + weight * (true - imputed) ** 2
        expected += robust[counts].mean()
    assert float(model.compute_loss(_batch())) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("method", ["ips", "dr"])
def test_no_task_moves_the_chance_that_weighs_it(method: str) -> None:
    """Else the loss would fall by calling likely what it weighs."""
    model = _model({"name": "escm2", "method": method, "joint": 0.0})
    variables = [*model.heads["click"].trainable_weights, *model.heads["buy"].trainable_weights]
    with tf.GradientTape() as tape:
        x = model.encode(_batch())
        raw = {name: head(model.architecture(x)[name]) for name, head in model.heads.items()}
        loss = model.architecture.losses(x, raw, _batch(), model.heads)["buy"].loss
    *weighing, _, own = tape.gradient(loss, variables)
    assert not any(np.any(gradient.numpy()) for gradient in weighing)
    assert np.abs(own.numpy()).max() > 0


def test_what_imputes_labels_moves_no_input() -> None:
    model = _model({"name": "escm2", "method": "dr"})
    x = tf.Variable(model.encode(_batch()))
    raw = {name: head(model.architecture(x)[name]) for name, head in model.heads.items()}
    with tf.GradientTape() as tape:
        loss = model.architecture.losses(x, raw, _batch(), model.heads)["buy"].loss
    assert tape.gradient(loss, x) is None


def test_what_imputes_labels_learns_from_its_own_error_alone() -> None:
    model = _model({"name": "escm2", "method": "dr", "joint": 0.0})
    weights = model.architecture.imputation["buy"].trainable_weights
    kernel = weights[2]
    with tf.GradientTape() as tape:
        loss = model.compute_loss(_batch())
    gradient = tape.gradient(loss, kernel).numpy()[:, 0]
    chances = _chances(model)
    counts, weight, label = _weighed(chances, "buy", model.architecture.settings.floor)

    def own_error(values: np.ndarray) -> float:
        hidden = np.maximum(X @ weights[0].numpy() + weights[1].numpy(), 0)
        guess = 1 / (1 + np.exp(-hidden @ values))
        missed = _entropy(label, chances["buy"]) - _entropy(guess, chances["buy"])
        return float((weight * missed**2)[counts].mean())

    for position, found in enumerate(gradient):
        step = np.zeros(len(gradient))
        step[position] = 1e-4
        at = kernel.numpy()[:, 0].astype(np.float64)
        slope = (own_error(at + step) - own_error(at - step)) / 2e-4
        assert found == pytest.approx(slope, rel=1e-2, abs=1e-4)


@pytest.mark.parametrize("calibrator", [0.0, 2.0])
def test_aitm_learns_all_up_to_a_task_and_no_more_than_the_one_before(calibrator: float) -> None:
    model = _model({"name": "aitm", "calibrator": calibrator})
    x = model.encode({"numbers": tf.constant(X)})
    represented = model.architecture(x)
    chances = {
        name: 1 / (1 + np.exp(-model.heads[name](represented[name]).numpy().astype(np.float64)))
        for name in JOINT
    }
    expected = _loss_of_spend(_chances(model)) + _loss_of_products({"click": chances["click"]}, "click")
    excesses = []
    for task, before in (("cart", "click"), ("buy", "cart")):
        joint = np.array(JOINT[task])
        known = np.isfinite(joint)
        excess = np.maximum(chances[task] - chances[before], 0)
        excesses.append(excess)
        expected += (_entropy(joint, chances[task]) + calibrator * excess)[known].mean()
    assert np.max(excesses) > 0
    assert float(model.compute_loss(_batch())) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("architecture", ["esmm", "escm2", {"name": "escm2", "method": "ips"}, "aitm"])
def test_rows_of_which_nothing_is_known_cost_nothing_and_move_nothing(architecture: object) -> None:
    model = _model(architecture)
    nothing = {task: [NAN] * 8 for task in LABELS}
    with tf.GradientTape() as tape:
        loss = model.compute_loss(_batch(**nothing), training=True)
    assert float(loss) == 0
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert gradient is None or not np.any(tf.convert_to_tensor(gradient))
