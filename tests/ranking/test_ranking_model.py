"""The multi-task model: masks, planted signals, round trips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.batches import label_of
from tfrs_mtl.dataset.examples import Block, Examples, ModelInput, ages_of
from tfrs_mtl.layers.build import build
from tfrs_mtl.ranking.architectures import ARCHITECTURES
from tfrs_mtl.ranking.balances import BALANCES
from tfrs_mtl.ranking.model import RankingModel, single_task
from tfrs_mtl.ranking.statistics import label_statistics
from tfrs_mtl.training.fit import fit

INPUTS = (
    ModelInput("numbers", "dense", 3),
    ModelInput("item", "category", 20, "item", 4),
    ModelInput("past", "history", 20, "item", 4),
)
BUY = spec.Task(name="buy", kind="binary", label="b")
KEEP = spec.Task(name="keep", kind="binary", label="k", when="buy")
SPEND = spec.Task(name="spend", kind="regression", label="s", when="buy")


def _ranking(**options: Any) -> spec.Ranking:
    return spec.Ranking(tasks=(BUY, KEEP, SPEND), hidden=(16,), tower=(8,), dropout=0.0, **options)


def _features(rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "numbers": rng.normal(size=(rows, 3)).astype(np.float32),
        "item": rng.integers(2, 20, rows).astype(np.int32),
        "past": rng.integers(0, 20, (rows, 5)).astype(np.int32),
        ages_of("past"): rng.uniform(0, 90, (rows, 5)).astype(np.float32),
    }


def _world(rows: int = 3000) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray]:
    """Buys follow a number and whether the item was bought before.

    What is kept of it follows another number, and spend is linear in that; both are known for buys alone.
    """
    rng = np.random.default_rng(1)
    features = _features(rows)
    again = (features["past"] == features["item"][:, None]).any(axis=1)
    chance = 1 / (1 + np.exp(1 - 2 * features["numbers"][:, 0] - 3 * again))
    buy = (rng.uniform(size=rows) < chance).astype(np.float32)
    spend = (100 + 20 * features["numbers"][:, 1] + rng.normal(size=rows)).astype(np.float32)
    keep = (rng.uniform(size=rows) < 1 / (1 + np.exp(-2 * features["numbers"][:, 1]))).astype(np.float32)
    # What a row without a purchase says of the others must not be learnt from.
    labels = {"buy": buy, "keep": np.where(buy == 1, keep, 1.0 - keep).astype(np.float32)}
    labels["spend"] = np.where(buy == 1, spend, -1000).astype(np.float32)
    return features, labels, chance


def _trained(ranking: spec.Ranking, directory: Path) -> RankingModel:
    features, labels, _ = _world()
    model = RankingModel(INPUTS, ranking, statistics=label_statistics(labels, ranking.tasks))
    examples = Examples((Block(features),), len(labels["buy"]), labels)
    training = spec.Training(epochs=6, batch_size=100, learning_rate=0.005)
    passes = iter(range(99))
    fit(model, examples, settings=training, seed=3, validate=lambda: next(passes), directory=directory)
    return model


@pytest.mark.parametrize(
    ("architecture", "balance"),
    [*((name, "static") for name in sorted(ARCHITECTURES)), ("mmoe", "uncertainty")],
)
def test_planted_signals_are_found(architecture: str, balance: str, tmp_path: Path) -> None:
    model = _trained(_ranking(architecture=architecture, balance=balance), tmp_path)
    features, _, chance = _world()
    found = model.predict(features)
    assert np.abs(found["buy"] - chance).mean() < 0.2 * np.abs(chance.mean() - chance).mean()
    kept = 1 / (1 + np.exp(-2 * features["numbers"][:, 1]))
    assert np.abs(found["keep"] - kept).mean() < 0.5 * np.abs(kept.mean() - kept).mean()
    truth = 100 + 20 * features["numbers"][:, 1]
    assert np.sqrt(np.mean((found["spend"] - truth) ** 2)) < 6


def test_a_single_task_model_learns_its_task_on_the_same_rows(tmp_path: Path) -> None:
    alone = single_task(_ranking(), "spend")
    assert [task.name for task in alone.tasks] == ["spend"]
    model = _trained(alone, tmp_path)
    features, _, _ = _world()
    found = model.predict(features)
    assert list(found) == ["spend"]
    assert np.sqrt(np.mean((found["spend"] - 100 - 20 * features["numbers"][:, 1]) ** 2)) < 10


def _batch(rows: int, **labels: Any) -> dict[str, tf.Tensor]:
    known = {"keep": [np.nan] * rows, **labels}
    columns = {label_of(task): np.array(values, np.float32) for task, values in known.items()}
    return {name: tf.constant(values) for name, values in {**_features(rows), **columns}.items()}


@pytest.fixture(scope="module")
def model() -> RankingModel:
    model = RankingModel(INPUTS, _ranking())
    build(model, model.model_inputs)
    return model


def test_the_loss_is_the_mean_over_the_rows_that_have_the_label(model: RankingModel) -> None:
    buy = [1, np.nan, 0, 1, np.nan]
    spend = [2.0, 3.0, 4.0, np.nan, 5.0]  # rows 1 and 4: whether bought is unknown; row 2: not bought
    predicted = model.predict(_features(5))
    p = predicted["buy"]
    binary = -np.mean([np.log(p[0]), np.log(1 - p[2]), np.log(p[3])])
    regression = (predicted["spend"][0] - 2.0) ** 2
    found = model.compute_loss(_batch(5, buy=buy, spend=spend))
    assert float(found) == pytest.approx(binary + regression, rel=1e-5)


@pytest.mark.parametrize("balance", sorted(BALANCES))
def test_a_batch_without_labels_costs_nothing_and_moves_nothing(balance: str) -> None:
    model = RankingModel(INPUTS, _ranking(balance=balance))
    build(model, model.model_inputs)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(_batch(3, buy=[np.nan] * 3, spend=[np.nan] * 3), training=True)
    assert float(loss) == 0
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert gradient is None or not np.any(tf.convert_to_tensor(gradient))


def test_masked_labels_do_not_move_the_weights(model: RankingModel) -> None:
    gradients = []
    for absent in (-1000.0, np.nan):
        with tf.GradientTape() as tape:
            loss = model.compute_loss(_batch(2, buy=[1, 0], spend=[1.0, absent]))
        gradients.append([tf.convert_to_tensor(g) for g in tape.gradient(loss, model.trainable_variables)])
    for first, second in zip(*gradients, strict=True):
        np.testing.assert_array_equal(first, second)
        assert np.isfinite(first).all()


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_batch_of_predictions_equals_its_singles(model: RankingModel, count: int) -> None:
    features = _features(count)
    together = model.predict(features)
    for task in ("buy", "spend"):
        assert together[task].shape == (count,)
        assert together[task].dtype == np.float32
        np.testing.assert_allclose(model.predict(features, 3)[task], together[task], atol=1e-6)
    for row in range(count):
        single = model.predict({name: values[row : row + 1] for name, values in features.items()})
        for task, values in together.items():
            np.testing.assert_allclose(single[task][0], values[row], atol=1e-6)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_saved_weights_give_a_fresh_model_the_same_outputs(architecture: str, tmp_path: Path) -> None:
    """Without the statistics too: they are among the weights."""
    ranking = _ranking(architecture=architecture, balance="uncertainty")
    model = RankingModel(INPUTS, ranking, statistics=label_statistics(_world()[1], ranking.tasks))
    build(model, model.model_inputs, seed=1)
    model.save_weights(tmp_path / "ranking.weights.h5")
    other = RankingModel(INPUTS, ranking)
    build(other, other.model_inputs, seed=2)
    before, wanted = other.predict(_features(9)), model.predict(_features(9))
    other.load_weights(tmp_path / "ranking.weights.h5")
    for task, values in other.predict(_features(9)).items():
        assert (before[task] != wanted[task]).any()
        np.testing.assert_array_equal(values, wanted[task])


def test_ratings_and_classes_are_learnt_beside_the_others_and_saved(tmp_path: Path) -> None:
    """Planted: two in three rows are bought; the rating and the class follow a number."""
    features, labels, _ = _world(1500)
    number = features["numbers"][:, 1]
    labels["stars"] = np.digitize(number, [-1, 0, 1]).astype(np.float32) + 1
    labels["size"] = np.choose(np.digitize(number, [-0.7, 0.7]), [7, 2, 4]).astype(np.float32)
    tasks = (
        BUY,
        spec.Task(name="stars", kind="ordinal", label="r", when="buy"),
        spec.Task(name="size", kind="multiclass", label="z"),
    )
    statistics = label_statistics(labels, tasks)
    ranking = spec.Ranking(tasks=tasks, hidden=(16,), tower=(8,), dropout=0.0)
    model = RankingModel(INPUTS, ranking, statistics=statistics)
    training = spec.Training(epochs=6, batch_size=50, learning_rate=0.01)
    examples, passes = Examples((Block(features),), 1500, labels), iter(range(9))
    fit(model, examples, settings=training, seed=3, validate=lambda: next(passes), directory=tmp_path / "run")
    found = model.predict(features)
    assert np.sqrt(np.mean((found["stars"] - labels["stars"]) ** 2)) < 0.5 * labels["stars"].std()
    chances = np.stack([found[f"size#{size}"] for size in (2, 4, 7)], axis=1)
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-5)
    assert (np.array([2, 4, 7])[chances.argmax(axis=1)] == labels["size"]).mean() > 0.85
    model.save_weights(tmp_path / "ranking.weights.h5")
    other = RankingModel(INPUTS, ranking, statistics=statistics)
    build(other, other.model_inputs, seed=2)
    other.load_weights(tmp_path / "ranking.weights.h5")
    for name, values in other.predict(features).items():
        np.testing.assert_array_equal(values, found[name])


def test_a_missing_feature_is_named(model: RankingModel) -> None:
    features = _features(2)
    features["items"] = features.pop("item")
    with pytest.raises(ValueError, match="no array 'item'; did you mean 'items'"):
        model.predict(features)
