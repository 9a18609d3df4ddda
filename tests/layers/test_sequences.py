"""The encoders that see a history's order, against numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training_world import ITEM_INPUTS, QUERY_INPUTS, examples
from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.layers.history import HISTORIES
from tfrs_mtl.retrieval.model import RetrievalModel
from tfrs_mtl.training.fit import fit

LENGTH, DIM = 5, 4
PRESENT = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], np.bool_)


def given() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    embedded = rng.standard_normal((3, LENGTH, DIM)).astype(np.float32)
    ages = rng.uniform(0, 30, (3, LENGTH)).astype(np.float32)
    ages[0, 1] = np.nan
    return embedded, ages


def encoded(name: str, *, embedded: np.ndarray, ages: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    tf.keras.utils.set_random_seed(1)
    layer = HISTORIES[name]()
    found = layer(tf.constant(embedded), tf.constant(PRESENT), tf.constant(ages)).numpy()
    return found, [weight.numpy() for weight in layer.weights]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def norm(x: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / np.sqrt(x.var() + 1e-3)


def test_convolution_takes_the_strongest_window_of_each_filter_and_the_last_item() -> None:
    embedded, ages = given()
    found, (kernel, bias) = encoded("convolution", embedded=embedded, ages=ages)
    for row in range(2):
        items = np.zeros((LENGTH + 2, DIM))
        items[1:-1] = embedded[row] * PRESENT[row][:, None]
        windows = [sum(items[t + j] @ kernel[j] for j in range(3)) + bias for t in range(LENGTH)]
        pooled = np.maximum(windows, 0)[PRESENT[row]].max(axis=0)
        np.testing.assert_allclose(found[row], [*pooled, *embedded[row, 0]], rtol=1e-4, atol=1e-6)
    assert not found[2].any()


def test_the_recurrence_goes_from_the_oldest_to_the_last() -> None:
    embedded, ages = given()
    found, (kernel, recurrent, bias) = encoded("gru", embedded=embedded, ages=ages)
    for row in range(2):
        state = np.zeros(DIM)
        for item in embedded[row][PRESENT[row]][::-1]:
            given_in, carried = item @ kernel + bias[0], state @ recurrent + bias[1]
            update, reset = (
                sigmoid(given_in[n * DIM : (n + 1) * DIM] + carried[n * DIM : (n + 1) * DIM]) for n in (0, 1)
            )
            candidate = np.tanh(given_in[2 * DIM :] + reset * carried[2 * DIM :])
            state = update * state + (1 - update) * candidate
        np.testing.assert_allclose(found[row], state, rtol=1e-4, atol=1e-5)
    assert not found[2].any()


def test_attention_is_the_last_items_row_of_the_block_with_ages_in_its_weights() -> None:
    embedded, ages = given()
    found, weights = encoded("attention", embedded=embedded, ages=ages)
    matrices = [weight for weight in weights if weight.ndim == 2]
    query, key, value, inner, outer = matrices
    for row in range(2):
        items, days = embedded[row][PRESENT[row]], np.nan_to_num(ages[row][PRESENT[row]])
        logits = (items[0] @ query) @ (items @ key).T / np.sqrt(DIM) - np.log(2) * np.log1p(days)
        share = np.exp(logits) / np.exp(logits).sum()
        seen = norm(items[0] + share @ (items @ value))
        expected = norm(seen + np.maximum(seen @ inner, 0) @ outer)
        np.testing.assert_allclose(found[row], expected, rtol=1e-3, atol=1e-5)
    assert not found[2].any()


@pytest.mark.parametrize("name", ["attention", "convolution", "gru"])
def test_another_order_of_the_same_items_gives_another_vector(name: str) -> None:
    embedded, ages = given()
    ages[:] = 1.0
    forward, _ = encoded(name, embedded=embedded, ages=ages)
    turned, _ = encoded(name, embedded=embedded[:, ::-1].copy(), ages=ages)
    assert np.abs(forward[1] - turned[1]).max() > 1e-3


@pytest.mark.parametrize("name", ["attention", "convolution", "gru"])
def test_a_tower_with_it_learns_in_one_compiled_step_for_any_length(name: str, tmp_path: Path) -> None:
    settings = spec.Retrieval(dim=8, hidden=(16,), history=name)
    model = RetrievalModel(QUERY_INPUTS, ITEM_INPUTS, settings, item_id="item")
    training = spec.Training(epochs=3, batch_size=100, learning_rate=0.01)
    history = fit(model, examples(), settings=training, seed=0, validate=lambda: 0.0, directory=tmp_path)
    assert history.epochs[-1].loss < history.epochs[0].loss
    short = {name: array[:4] for name, array in examples(4).blocks[0].arrays.items()}
    assert model.encode_queries(short).shape == (4, 8)
