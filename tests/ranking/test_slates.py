"""Losses of order within a slate, held to numpy; slates stay together in batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.batches import SLATE, Columns, label_of
from tfrs_mtl.dataset.examples import Block, Examples, ModelInput
from tfrs_mtl.dataset.ranking_rows import RankingRows, slates_of
from tfrs_mtl.layers.build import build
from tfrs_mtl.ranking.model import RankingModel
from tfrs_mtl.ranking.slates import listwise_loss, pairwise_loss
from tfrs_mtl.training.fit import fit

RNG = np.random.default_rng(0)
SCORES = RNG.normal(size=12).astype(np.float32) * 3
LABELS = np.array([1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0], np.float32)
KNOWN = np.array([1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0], bool)
SLATES = np.array([7, 7, 2, 7, 2, 2, 2, 5, 5, 9, 9, 9], np.int32)  # of slate 9 one row is known


def test_the_listwise_loss_is_softmax_over_each_slate() -> None:
    losses = []
    for slate in (7, 2, 5):
        rows = (slate == SLATES) & KNOWN
        own, labels = SCORES[rows], LABELS[rows]
        losses += list((np.log(np.exp(own).sum()) - own)[labels == 1])
    assert float(listwise_loss(SCORES, LABELS, KNOWN, SLATES)) == pytest.approx(np.mean(losses), rel=1e-5)


def test_the_pairwise_loss_is_logistic_over_the_pairs_of_each_slate() -> None:
    losses = [
        np.log1p(np.exp(SCORES[j] - SCORES[i]))
        for i in range(12)
        for j in range(12)
        if SLATES[i] == SLATES[j] and LABELS[i] > LABELS[j] and KNOWN[i] and KNOWN[j]
    ]
    assert float(pairwise_loss(SCORES, LABELS, KNOWN, SLATES)) == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.parametrize("loss", [listwise_loss, pairwise_loss])
@pytest.mark.parametrize("labels", [np.zeros(12), np.ones(12), np.full(12, 0.0)])
def test_without_both_kinds_in_a_slate_there_is_no_loss_and_no_gradient(loss, labels: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    scores = tf.Variable(SCORES * 1000)
    for known in (KNOWN, np.zeros(12, bool)):
        with tf.GradientTape() as tape:
            found = loss(scores, labels.astype(np.float32), known, SLATES)
        assert float(found) == 0
        assert not np.any(tape.gradient(found, scores))


def test_slates_are_what_a_query_met_at_one_time() -> None:
    queries, times = np.array([1, 1, 2, 1, 2]), np.array([5, 5, 5, 9, 5])
    found = slates_of(RankingRows(queries, queries, times, {}, {}))
    assert len(set(found.tolist())) == 3
    assert found[0] == found[1] != found[3]
    assert found[2] == found[4]


def test_a_batch_holds_whole_slates_but_for_its_ends_and_every_row_once() -> None:
    slates = RNG.integers(0, 40, 400).astype(np.int32)
    examples = Examples((Block({"row": np.arange(400)}),), 400, slates=slates)
    batches = list(Columns(examples).batches(50, shuffle_seed=1, epoch=1, drop_remainder=True))
    order = np.concatenate([batch["row"].numpy() for batch in batches])
    assert sorted(order) == list(range(400))
    assert (np.concatenate([batch[SLATE].numpy() for batch in batches]) == slates[order]).all()
    assert (np.diff(slates[order]) != 0).sum() == 39
    again = list(Columns(examples).batches(50, shuffle_seed=1, epoch=2, drop_remainder=True))
    assert (batches[0]["row"].numpy() != again[0]["row"].numpy()).any()


@pytest.mark.parametrize("key", ["listwise", "pairwise"])
def test_the_loss_of_a_model_is_the_pointwise_and_that_of_order(key: str) -> None:
    inputs = (ModelInput("x", "dense", 2),)
    plain = spec.Task(name="buy", kind="binary", label="b")
    losses, x = [], RNG.normal(size=(12, 2)).astype(np.float32)
    for task in (plain, plain.model_copy(update={key: 0.5})):
        model = RankingModel(inputs, spec.Ranking(tasks=(task,), hidden=(4,), dropout=0.0))
        build(model, inputs, seed=1)
        labels = np.where(KNOWN, LABELS, np.nan)
        batch = {"x": tf.constant(x), label_of("buy"): tf.constant(labels), SLATE: tf.constant(SLATES)}
        losses.append(float(model.compute_loss(batch, training=True)))
    p = model.predict({"x": x})["buy"].astype(np.float64)
    order = {"listwise": listwise_loss, "pairwise": pairwise_loss}[key]
    expected = float(order((np.log(p) - np.log1p(-p)).astype(np.float32), LABELS, KNOWN, SLATES))
    assert losses[1] - losses[0] == pytest.approx(0.5 * expected, rel=1e-3)


def test_order_is_learnt_where_slates_differ_in_level(tmp_path: Path) -> None:
    """Planted: a level a slate, which no input tells, hides the order; within a slate it is plain."""
    rng = np.random.default_rng(1)
    slates = np.repeat(np.arange(300), 6).astype(np.int32)
    x = rng.normal(size=(1800, 1)).astype(np.float32)
    labels = (x[:, 0] + np.repeat(rng.normal(size=300) * 3, 6) > 0).astype(np.float32)
    task = spec.Task(name="buy", kind="binary", label="b", listwise=1.0)
    model = RankingModel((ModelInput("x", "dense", 1),), spec.Ranking(tasks=(task,), dropout=0.0))
    examples = Examples((Block({"x": x}),), 1800, {"buy": labels}, slates=slates)
    training = spec.Training(epochs=2, batch_size=60, learning_rate=0.01)
    history = fit(model, examples, settings=training, seed=1, validate=lambda: 0.0, directory=tmp_path)
    assert history.epochs[1].loss < history.epochs[0].loss
    assert np.corrcoef(model.predict({"x": x})["buy"], x[:, 0])[0, 1] > 0.8


def test_amounts_have_no_order_of_that_kind() -> None:
    with pytest.raises(ValueError, match="belongs to a binary task"):
        spec.Task(name="paid", kind="regression", label="p", listwise=1.0)
