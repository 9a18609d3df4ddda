"""Dropout and hidden ids, repeatable by seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import UNKNOWN
from tfrs_mtl.layers.noise import Dropout, HideIds, seed_noise


def test_dropout_keeps_the_mean_and_rests_outside_training() -> None:
    values = tf.ones([100, 100])
    dropped = Dropout(0.3)(values, training=True).numpy()
    assert set(np.unique(dropped).round(4)) == {0.0, np.float32(1 / 0.7).round(4)}
    assert abs(dropped.mean() - 1) < 0.03
    assert (Dropout(0.3)(values, training=False).numpy() == 1).all()


def test_ids_are_hidden_at_the_rate_and_in_training_alone() -> None:
    ids = tf.fill([10_000], 7)
    hidden = HideIds(0.2)(ids, training=True).numpy()
    assert set(hidden) == {UNKNOWN, 7}
    assert abs((hidden == UNKNOWN).mean() - 0.2) < 0.02
    assert (HideIds(0.2)(ids).numpy() == 7).all()


def test_layers_draw_streams_of_their_own_and_the_seed_gives_them_again() -> None:
    model = tf.keras.Sequential([Dropout(0.5), Dropout(0.5)])
    first, second = model.layers
    draws = []
    for seed in (4, 4, 5):
        seed_noise(model, seed)
        draws.append([layer(tf.ones([50]), training=True).numpy() for layer in (first, second)])
    assert (draws[0][0] == draws[1][0]).all()
    assert (draws[0][1] == draws[1][1]).all()
    assert (draws[0][0] != draws[0][1]).any()
    assert (draws[0][0] != draws[2][0]).any()


def test_the_random_state_is_in_checkpoints_and_not_in_weights(tmp_path: Path) -> None:
    layer = Dropout(0.5)
    path = tf.train.Checkpoint(layer=layer).write(str(tmp_path / "c"))
    after = layer(tf.ones([50]), training=True).numpy()
    other = Dropout(0.5)
    other(tf.ones([50]), training=True)
    tf.train.Checkpoint(layer=other).read(path).assert_consumed()
    assert (other(tf.ones([50]), training=True).numpy() == after).all()
    assert other.weights == []
