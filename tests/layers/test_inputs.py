"""What the input encoder makes of each form of input."""

from __future__ import annotations

import numpy as np
import pytest

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import ModelInput, ages_of
from tfrs_mtl.layers.features import select, signature, zeros
from tfrs_mtl.layers.history import HISTORIES, MeanHistory
from tfrs_mtl.layers.inputs import InputEncoder
from tfrs_mtl.layers.tables import Tables

ID = ModelInput("id", "category", 6, "item", 3)
TAGS = ModelInput("tags", "bag", 5, "tag", 2)
PAST = ModelInput("past", "history", 6, "item", 3)
PRICE = ModelInput("price", "dense", 2)
INPUTS = (ID, TAGS, PAST, PRICE)

FEATURES = {
    "id": np.array([2, 0, 5], np.int32),
    "tags": np.array([[2, 3, 0], [0, 0, 0], [4, 4, 3]], np.int32),
    "past": np.array([[5, 2, 0, 0], [0, 0, 0, 0], [3, 3, 4, 2]], np.int32),
    ages_of("past"): np.array([[1, 9, np.nan, 0], [np.nan] * 4, [0, np.nan, 30, -2]], np.float32),
    "price": np.array([[1, 2], [3, 4], [5, 6]], np.float32),
}


@pytest.fixture
def encoder() -> InputEncoder:
    tf.keras.utils.set_random_seed(0)
    encoder = InputEncoder(INPUTS, Tables(INPUTS))
    encoder(zeros(INPUTS))
    for name, table in encoder.tables.embeddings.items():
        table.set_weights([np.random.default_rng(len(name)).normal(size=table.embeddings.shape)])
    return encoder


def _rows(encoder: InputEncoder, table: str) -> np.ndarray:
    return encoder.tables.embeddings[table].embeddings.numpy()


def test_each_form_is_encoded_as_it_says(encoder: InputEncoder) -> None:
    items, tags = _rows(encoder, "item"), _rows(encoder, "tag")
    decay = np.log(2)  # softplus(0)
    expected = []
    for row in range(3):
        bag = [tags[i] for i in FEATURES["tags"][row] if i != 0]
        past = [i for i in FEATURES["past"][row] if i != 0]
        known = np.nan_to_num(np.maximum(FEATURES[ages_of("past")][row][: len(past)], 0))
        weights = (1 + known) ** -decay
        plain = items[past].mean(axis=0) if past else np.zeros(3)
        recent = (weights[:, None] * items[past]).sum(axis=0) / weights.sum() if past else np.zeros(3)
        mean = np.mean(bag, axis=0) if bag else np.zeros(2)
        expected.append(
            np.concatenate([items[FEATURES["id"][row]], mean, plain, recent, FEATURES["price"][row]])
        )
    np.testing.assert_allclose(encoder(FEATURES), np.array(expected), rtol=1e-5, atol=1e-6)


def test_padding_changes_nothing(encoder: InputEncoder) -> None:
    wider = dict(FEATURES)
    for name in ("tags", "past"):
        wider[name] = np.pad(FEATURES[name], ((0, 0), (0, 3)))
    wider[ages_of("past")] = np.pad(FEATURES[ages_of("past")], ((0, 0), (0, 3)), constant_values=7)
    np.testing.assert_allclose(encoder(wider), encoder(FEATURES), rtol=1e-6)


def test_a_history_without_an_encoder_is_left_out() -> None:
    encoder = InputEncoder(INPUTS, Tables(INPUTS), history="none")
    assert encoder(FEATURES).shape == (3, 3 + 2 + 2)


def test_nothing_to_encode_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to encode"):
        InputEncoder((PAST,), Tables((PAST,)), history="none")


def test_inputs_of_one_table_share_it_and_null_and_unknown_start_at_zero() -> None:
    encoder = InputEncoder(INPUTS, Tables(INPUTS))
    encoder(zeros(INPUTS))
    assert sorted(encoder.tables.embeddings) == ["item", "tag"]
    rows = _rows(encoder, "item")
    assert not rows[:2].any()
    assert rows[2:].any(axis=1).all()


def test_inputs_that_disagree_on_their_table_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'past' wants table 'item' as \(6, 4\).*has it as \(6, 3\)"):
        Tables((ID, ModelInput("past", "history", 6, "item", 4)))


def test_gradients_of_a_table_stay_sparse(encoder: InputEncoder) -> None:
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(encoder(FEATURES) ** 2)
    table = encoder.tables.embeddings["item"].embeddings
    assert isinstance(tape.gradient(loss, table), tf.IndexedSlices)


def test_gradients_are_finite_where_ages_are_unknown_and_histories_empty(encoder: InputEncoder) -> None:
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(encoder(FEATURES) ** 2)
    for gradient in tape.gradient(loss, encoder.trainable_variables):
        assert np.isfinite(tf.convert_to_tensor(gradient)).all()


def test_the_mean_learns_that_recent_items_count_more() -> None:
    """Planted: the target is the most recent item alone, so a greater decay fits better."""
    rng = np.random.default_rng(0)
    embedded = tf.constant(rng.normal(size=(64, 5, 4)), tf.float32)
    ages = tf.constant(np.tile([0, 5, 20, 60, 200], (64, 1)), tf.float32)
    encoder, optimizer = MeanHistory(), tf.keras.optimizers.Adam(0.1)
    present = tf.ones([64, 5], tf.bool)
    encoder(embedded, present, ages)
    before = encoder.raw_decay.numpy()
    for _ in range(20):
        with tf.GradientTape() as tape:
            recent = encoder(embedded, present, ages)[:, 4:]
            loss = tf.reduce_mean((recent - embedded[:, 0]) ** 2)
        optimizer.minimize(loss, encoder.trainable_variables, tape=tape)
    assert encoder.raw_decay.numpy() > before + 1


@pytest.mark.parametrize("name", sorted(HISTORIES))
def test_every_history_encoder_is_blind_to_padding_and_safe_without_ages(name: str) -> None:
    tf.keras.utils.set_random_seed(0)
    encoder = HISTORIES[name]()
    embedded = tf.random.normal([3, 6, 4])
    present = tf.sequence_mask([6, 2, 0], 6)
    ages = tf.constant([[np.nan, 1, 2, 3, 4, np.nan], [1, np.nan] + [np.nan] * 4, [np.nan] * 6], tf.float32)
    output = encoder(embedded, present, ages)
    other = tf.where(present[..., None], embedded, 99.0)
    assert np.isfinite(output).all()
    np.testing.assert_allclose(encoder(other, present, ages), output, rtol=1e-5, atol=1e-6)


def test_a_missing_array_is_named_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="no array 'past'; did you mean 'pas'"):
        select({"pas": 1, "id": 2, "tags": 3}, INPUTS)


def test_zeros_have_the_form_of_the_signature() -> None:
    for name, spec in signature(INPUTS).items():
        assert spec.is_compatible_with(zeros(INPUTS, rows=2)[name]), name
