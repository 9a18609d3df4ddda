"""The mixer: its formula, its file, and that it learns what orders lists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfrs_mtl._tf import tf
from tfrs_mtl.errors import BundleError
from tfrs_mtl.mixing import Mixer
from tfrs_mtl.mixing.mixer import mixer_of, scale_of
from tfrs_mtl.training.listwise import Lists, fit_lists, listwise_loss


def some_mixer(width: int = 4) -> Mixer:
    rng = np.random.default_rng(1)
    shapes = [(width, 3), (3,), (3, 1), (1,)]
    weights = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    return mixer_of(np.ones(width, np.float32), np.full(width, 2, np.float32), weights)


def test_a_score_is_the_networks_formula_on_standardised_signals_cut_at_five() -> None:
    mixer = some_mixer()
    signals = np.random.default_rng(2).standard_normal((6, 4)).astype(np.float32)
    signals[0, 0] = 1e9
    x = np.clip((signals - 1) / 2, -5, 5)
    hidden = np.maximum(x @ mixer.kernels[0] + mixer.biases[0], 0)
    np.testing.assert_allclose(mixer(signals), (hidden @ mixer.kernels[1] + mixer.biases[1])[:, 0], rtol=1e-5)


def test_what_is_saved_is_loaded_and_where_nothing_is_there_is_none(tmp_path: Path) -> None:
    assert Mixer.load(tmp_path) is None
    mixer = some_mixer()
    mixer.save(tmp_path)
    loaded = Mixer.load(tmp_path)
    assert loaded is not None
    signals = np.random.default_rng(3).standard_normal((5, 4)).astype(np.float32)
    np.testing.assert_array_equal(loaded(signals), mixer(signals))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "mixer.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(BundleError, match=r"mixer\.npz"):
        Mixer.load(tmp_path)


def test_the_loss_is_softmax_cross_entropy_weighed_by_the_root_of_what_was_met() -> None:
    scores = np.array([2.0, 1.0, 0.5, -1.0, 3.0], np.float32)
    met = np.array([1, 0, 1, 1, 0], np.float32)
    places = np.array([0, 0, 0, 1, 1], np.int32)
    first = np.log(np.exp(scores[:3]).sum()) - scores[[0, 2]]
    second = np.log(np.exp(scores[3:]).sum()) - scores[3]
    expected = (first.sum() / np.sqrt(2) + second) / 2
    found = listwise_loss(*map(tf.constant, (scores, met, places)), tf.constant(2))
    np.testing.assert_allclose(float(found), expected, rtol=1e-5)


def planted(lists: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """In each list the pair with the highest sum of the first two signals is met; a third is a list's own."""
    rng = np.random.default_rng(seed)
    owners = np.repeat(np.arange(lists), 20)
    signals = rng.standard_normal((len(owners), 3)).astype(np.float32)
    signals[:, 2] = (rng.standard_normal(lists) * 3)[owners]
    best = (signals[:, 0] + signals[:, 1]).reshape(lists, 20).argmax(axis=1)
    met = np.zeros((lists, 20), np.bool_)
    met[np.arange(lists), best] = True
    return owners, signals, met.ravel()


def test_it_finds_the_planted_order_again_in_lists_that_it_has_not_seen() -> None:
    owners, signals, met = planted(1500, seed=0)
    mean, deviation = scale_of(signals)
    standardised = Mixer(mean, deviation, (), ()).standardised(signals)
    lists = Lists.of(owners, standardised, met)
    weights = fit_lists(lists, held_out=lists.owners % 5 == 0, seed=0)
    mixer = mixer_of(mean, deviation, weights)
    _, unseen, truth = planted(400, seed=1)
    found = mixer(unseen).reshape(400, 20).argmax(axis=1)
    assert (found == truth.reshape(400, 20).argmax(axis=1)).mean() > 0.8
    again = fit_lists(lists, held_out=lists.owners % 5 == 0, seed=0)
    np.testing.assert_array_equal(again[0], weights[0])


def test_lists_that_met_nothing_teach_nothing_and_rows_find_the_others() -> None:
    owners = np.array([7, 3, 7, 5, 3])
    signals = np.arange(5, dtype=np.float32)[:, None]
    lists = Lists.of(owners, signals, np.array([True, True, False, False, False]))
    assert lists.owners.tolist() == [3, 7]
    rows, places = lists.rows(np.array([1, 0]))
    assert lists.signals[rows, 0].tolist() == [0, 2, 1, 4]
    assert places.tolist() == [0, 0, 1, 1]
