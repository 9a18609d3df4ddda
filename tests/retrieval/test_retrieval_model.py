"""The two-tower model: its loss, its biases, planted clusters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import UNKNOWN, Block, Examples, ModelInput, ages_of
from tfrs_mtl.layers.build import build
from tfrs_mtl.retrieval.model import ITEM_CODE, LOG_PROBABILITY, QUERY_CODE, RetrievalModel
from tfrs_mtl.retrieval.vanilla import vanilla
from tfrs_mtl.training.fit import fit

QUERIES, ITEMS, CLUSTERS, LENGTH = 120, 60, 6, 5
SIZE = ITEMS + 2
QUERY_INPUTS = (
    ModelInput("user", "category", QUERIES + 2, "user", 8),
    ModelInput("past", "history", SIZE, "item", 8),
)
ITEM_INPUTS = (
    ModelInput("item", "category", SIZE, "item", 8),
    ModelInput("kind", "category", CLUSTERS + 2, "kind", 8),
)


@dataclass(frozen=True)
class World:
    """Each query buys items of one cluster; of these, and of all, some are more popular."""

    examples: Examples
    queries: dict[str, np.ndarray]
    items: dict[str, np.ndarray]
    bought: np.ndarray
    popularity: np.ndarray
    chance: np.ndarray


def _world(rows: int = 4000) -> World:
    rng = np.random.default_rng(0)
    kind = np.arange(ITEMS) % CLUSTERS
    taste = np.arange(QUERIES) % CLUSTERS
    popular = rng.permutation(1 / np.arange(1, ITEMS + 1))
    chance = popular * (0.02 + (taste[:, None] == kind))
    chance /= chance.sum(axis=1, keepdims=True)
    who = rng.integers(0, QUERIES, rows)
    what = np.array([rng.choice(ITEMS, p=chance[w]) for w in who])
    past = np.array([rng.choice(ITEMS, LENGTH, p=chance[w]) for w in range(QUERIES)])
    queries = {
        "user": np.arange(QUERIES, dtype=np.int32) + 2,
        "past": past.astype(np.int32) + 2,
        ages_of("past"): np.tile(np.arange(LENGTH, dtype=np.float32), (QUERIES, 1)),
    }
    items = {"item": np.arange(ITEMS, dtype=np.int32) + 2, "kind": kind.astype(np.int32) + 2}
    counts = np.bincount(what, minlength=ITEMS)
    log_probability = np.log(np.maximum(counts, 0.5) / rows).astype(np.float32)
    query_block = Block({**queries, QUERY_CODE: np.arange(QUERIES)}, who.astype(np.int32))
    item_block = Block(
        {**items, ITEM_CODE: np.arange(ITEMS), LOG_PROBABILITY: log_probability}, what.astype(np.int32)
    )
    bought = np.zeros((QUERIES, ITEMS), bool)
    fresh = rng.integers(0, QUERIES, 2000)
    bought[fresh, [rng.choice(ITEMS, p=chance[w]) for w in fresh]] = True
    return World(Examples((query_block, item_block), rows), queries, items, bought, counts, chance)


@pytest.fixture(scope="module")
def world() -> World:
    return _world()


def _recall(scores: np.ndarray, bought: np.ndarray, k: int = 10) -> float:
    top = np.argsort(-scores, axis=1)[:, :k]
    hits = np.take_along_axis(bought, top, axis=1).sum(axis=1)
    return float((hits / np.maximum(bought.sum(axis=1), 1)).mean())


def _scores(model: RetrievalModel, world: World) -> np.ndarray:
    return model.encode_queries(world.queries) @ model.encode_items(world.items).T


@pytest.fixture(scope="module")
def trained(world: World, tmp_path_factory: pytest.TempPathFactory) -> RetrievalModel:
    settings = spec.Retrieval(dim=16, hidden=(32,), item_dropout=0.2)
    model = RetrievalModel(QUERY_INPUTS, ITEM_INPUTS, settings, item_id="item")
    directory = tmp_path_factory.mktemp("trained")
    training = spec.Training(epochs=6, batch_size=200, learning_rate=0.01, patience=6)
    fit(
        model,
        world.examples,
        settings=training,
        seed=1,
        validate=lambda: _recall(_scores(model, world), world.bought),
        directory=directory,
    )
    return model


def test_planted_clusters_are_found_and_popularity_is_beaten(world: World, trained: RetrievalModel) -> None:
    popular = _recall(np.tile(world.popularity, (QUERIES, 1)), world.bought)
    ours = _recall(_scores(trained, world), world.bought)
    ceiling = _recall(world.chance, world.bought)
    assert popular < 0.6 * ceiling
    assert ours > 0.9 * ceiling


def test_a_new_item_is_placed_by_its_attributes(world: World, trained: RetrievalModel) -> None:
    new = {
        "item": np.full(CLUSTERS, UNKNOWN, np.int32),
        "kind": np.arange(CLUSTERS, dtype=np.int32) + 2,
    }
    scores = trained.encode_queries(world.queries) @ trained.encode_items(new).T
    assert (scores.argmax(axis=1) == np.arange(QUERIES) % CLUSTERS).mean() > 0.95


def test_a_new_query_is_placed_by_its_history(world: World, trained: RetrievalModel) -> None:
    new = {**world.queries, "user": np.full(QUERIES, UNKNOWN, np.int32)}
    scores = trained.encode_queries(new) @ trained.encode_items(world.items).T
    assert _recall(scores, world.bought) > 0.75


def test_the_loss_is_that_of_its_formula(world: World) -> None:
    """An independent computation of temperature, logQ, accidental hits and known positives."""
    settings = spec.Retrieval(dim=8, hidden=(8,), temperature=0.3)
    model = RetrievalModel(QUERY_INPUTS, ITEM_INPUTS, settings, item_id="item")
    build(model, model.model_inputs)
    who, what = np.array([0, 1, 0, 2, 3]), np.array([4, 4, 5, 6, 5])
    log_q = np.log(np.array([0.3, 0.3, 0.1, 0.5, 0.1], np.float32))
    batch = {name: values[who] for name, values in world.queries.items()}
    batch |= {name: values[what] for name, values in world.items.items()}
    batch |= {LOG_PROBABILITY: log_q, ITEM_CODE: what.astype(np.int64), QUERY_CODE: who.astype(np.int64)}
    query, item = model.encode_queries(batch), model.encode_items(batch)
    losses = []
    for i in range(5):
        logits = query[i] @ item.T / 0.3 - log_q
        negatives = [j for j in range(5) if what[j] != what[i] and who[j] != who[i]]
        losses.append(np.log(np.exp(logits[[i, *negatives]]).sum()) - logits[i])
    tensors = {name: tf.constant(values) for name, values in batch.items()}
    assert model.compute_loss(tensors).numpy() == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.parametrize("logq", [True, False])
def test_logq_keeps_what_is_popular_in_the_scores(world: World, tmp_path: Path, logq: bool) -> None:
    """Corrected scores are log p(item | query); without it popularity is divided out: the slope is 0."""
    settings = spec.Retrieval(
        dim=8, hidden=(), history="none", normalise=False, temperature=1.0, logq=logq, mask_positives=False
    )
    model = RetrievalModel(QUERY_INPUTS[:1], ITEM_INPUTS[:1], settings)
    passes = iter(range(99))
    training = spec.Training(epochs=8, batch_size=200, learning_rate=0.05)
    fit(model, world.examples, settings=training, seed=1, validate=lambda: next(passes), directory=tmp_path)
    within = [np.flatnonzero(np.arange(ITEMS) % CLUSTERS == c) for c in range(CLUSTERS)]
    scores = _scores(model, world)
    log_popularity = np.log(world.popularity + 1.0)
    slopes = [
        np.polyfit(log_popularity[items], scores[c::CLUSTERS][:, items].mean(axis=0), 1)[0]
        for c, items in enumerate(within)
    ]
    assert np.mean(slopes) > 0.7 if logq else abs(np.mean(slopes)) < 0.35


def test_vanilla_is_id_embeddings_and_nothing_else(world: World) -> None:
    settings = vanilla(spec.Retrieval(dim=8))
    model = RetrievalModel(QUERY_INPUTS[:1], ITEM_INPUTS[:1], settings)
    build(model, model.model_inputs)
    assert sorted(tuple(w.shape) for w in model.weights) == [(SIZE, 8), (QUERIES + 2, 8)]
    query, item = model.encode_queries(world.queries), model.encode_items(world.items)
    batch = {"user": world.queries["user"][:50], "item": world.items["item"][:50]}
    logits = query[:50] @ item[:50].T
    expected = np.mean(np.log(np.exp(logits).sum(axis=1)) - np.diag(logits))
    tensors = {name: tf.constant(values) for name, values in batch.items()}
    assert model.compute_loss(tensors).numpy() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_batch_of_encodings_equals_its_singles(world: World, trained: RetrievalModel, count: int) -> None:
    features = {name: values[:count] for name, values in world.queries.items()}
    together = trained.encode_queries(features)
    assert together.shape == (count, 16)
    assert together.dtype == np.float32
    blocks = trained.encode_queries(features, rows=2)
    np.testing.assert_allclose(blocks, together, atol=1e-6)
    for row in range(count):
        single = trained.encode_queries({name: values[row : row + 1] for name, values in features.items()})
        np.testing.assert_allclose(single[0], together[row], atol=1e-6)


def test_saved_weights_give_a_fresh_model_the_same_outputs(
    world: World, trained: RetrievalModel, tmp_path: Path
) -> None:
    trained.save_weights(tmp_path / "retrieval.weights.h5")
    other = RetrievalModel(QUERY_INPUTS, ITEM_INPUTS, trained.retrieval, item_id="item")
    build(other, other.model_inputs, seed=9)
    assert np.abs(_scores(other, world) - _scores(trained, world)).max() > 0.1
    other.load_weights(tmp_path / "retrieval.weights.h5")
    np.testing.assert_array_equal(_scores(other, world), _scores(trained, world))


def test_history_and_item_share_their_embeddings(trained: RetrievalModel) -> None:
    shapes = [tuple(w.shape) for w in trained.weights]
    assert shapes.count((SIZE, 8)) == 1
