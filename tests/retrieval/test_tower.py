"""One tower, used twice."""

from __future__ import annotations

import numpy as np

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import UNKNOWN, ModelInput
from tfrs_mtl.layers.features import zeros
from tfrs_mtl.layers.tables import Tables
from tfrs_mtl.retrieval.tower import Tower

INPUTS = (ModelInput("id", "category", 9, "item", 4), ModelInput("price", "dense", 2))
FEATURES = {"id": np.array([2, 3, 1], np.int32), "price": np.ones((3, 2), np.float32)}


def test_outputs_are_of_length_one_where_normalised() -> None:
    tower = Tower(INPUTS, Tables(INPUTS), spec.Retrieval(dim=6, hidden=(8,)))
    assert tower(FEATURES).shape == (3, 6)
    np.testing.assert_allclose(np.linalg.norm(tower(FEATURES), axis=1), 1, rtol=1e-5)


def test_a_tower_is_its_layers_one_after_the_other() -> None:
    tower = Tower(INPUTS, Tables(INPUTS), spec.Retrieval(dim=6, hidden=(8,), normalise=False))
    found = tower(FEATURES).numpy()
    table, kernel, bias, out, out_bias = (w.numpy() for w in tower.weights)
    x = np.concatenate([table[FEATURES["id"]], FEATURES["price"]], axis=1)
    np.testing.assert_allclose(found, np.maximum(x @ kernel + bias, 0) @ out + out_bias, rtol=1e-4, atol=1e-6)


def test_hidden_ids_are_the_unknown_id_in_training_alone() -> None:
    settings = spec.Retrieval(dim=6, hidden=(8,), item_dropout=0.5)
    tower = Tower(INPUTS, Tables(INPUTS), settings, hidden_id="id")
    tower(zeros(INPUTS))
    unknown = {**FEATURES, "id": np.full(3, UNKNOWN, np.int32)}
    rested, hidden = tower(FEATURES).numpy(), tower(unknown).numpy()
    seen = [tower(FEATURES, training=True).numpy()[0] for _ in range(40)]
    as_hidden = sum(np.allclose(row, hidden[0], atol=1e-6) for row in seen)
    as_rested = sum(np.allclose(row, rested[0], atol=1e-6) for row in seen)
    assert as_hidden + as_rested == 40
    assert 8 < as_hidden < 32
    np.testing.assert_array_equal(tower(FEATURES), rested)


def test_an_id_alone_of_the_right_width_is_its_embedding() -> None:
    only = (ModelInput("id", "category", 9, "item", 4),)
    tower = Tower(only, Tables(only), spec.Retrieval(dim=4, hidden=(), normalise=False))
    found = tower(FEATURES)
    assert len(tower.weights) == 1
    np.testing.assert_array_equal(found, tf.gather(tower.weights[0], FEATURES["id"]))
