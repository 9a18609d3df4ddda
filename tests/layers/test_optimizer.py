"""LazyAdam against Adam."""

from __future__ import annotations

import numpy as np

from tfrs_mtl._tf import tf
from tfrs_mtl.layers.optimizer import LazyAdam


def _slices(values: np.ndarray, rows: list[int], size: int) -> tf.IndexedSlices:
    dense_shape = tf.constant([size, values.shape[1]])
    return tf.IndexedSlices(tf.constant(values, tf.float32), tf.constant(rows), dense_shape)


def test_dense_gradients_are_treated_as_adam_does() -> None:
    rng = np.random.default_rng(0)
    lazy, plain = tf.Variable(tf.ones([4, 3])), tf.Variable(tf.ones([4, 3]))
    ours, theirs = LazyAdam(0.01), tf.keras.optimizers.Adam(0.01, jit_compile=False)
    for _ in range(5):
        gradient = tf.constant(rng.normal(size=(4, 3)), tf.float32)
        ours.apply_gradients([(gradient, lazy)])
        theirs.apply_gradients([(gradient, plain)])
    np.testing.assert_array_equal(lazy, plain)


def test_sparse_gradients_of_all_rows_equal_dense_ones() -> None:
    rng = np.random.default_rng(0)
    lazy, plain = tf.Variable(tf.ones([4, 3])), tf.Variable(tf.ones([4, 3]))
    ours, theirs = LazyAdam(0.01), tf.keras.optimizers.Adam(0.01, jit_compile=False)
    for _ in range(5):
        gradient = rng.normal(size=(4, 3)).astype(np.float32)
        ours.apply_gradients([(_slices(gradient[[2, 0, 3, 1]], [2, 0, 3, 1], 4), lazy)])
        theirs.apply_gradients([(tf.constant(gradient), plain)])
    np.testing.assert_allclose(lazy, plain, rtol=1e-5)


def test_rows_that_the_batch_does_not_hold_stay_as_they_are() -> None:
    table, optimizer = tf.Variable(tf.ones([5, 2])), LazyAdam(0.1)
    optimizer.apply_gradients([(_slices(np.ones((2, 2)), [0, 3], 5), table)])
    before = [v.numpy().copy() for v in (table, *optimizer.variables)]
    optimizer.apply_gradients([(_slices(np.ones((1, 2)), [3], 5), table)])
    for old, new in zip(before, (table, *optimizer.variables), strict=True):
        if new.shape == (5, 2):
            np.testing.assert_array_equal(new.numpy()[[0, 1, 2, 4]], old[[0, 1, 2, 4]])
            assert (new.numpy()[3] != old[3]).all()


def test_a_row_that_comes_twice_gets_the_sum_of_its_gradients() -> None:
    twice, once = tf.Variable(tf.ones([3, 2])), tf.Variable(tf.ones([3, 2]))
    first, second = LazyAdam(0.1), LazyAdam(0.1)
    for scale in (1.0, 3.0):  # Adam's first step is blind to the scale, the second is not
        first.apply_gradients([(_slices(scale * np.array([[1.0, 1], [2, 2]]), [1, 1], 3), twice)])
        second.apply_gradients([(_slices(scale * np.array([[3.0, 3]]), [1], 3), once)])
    np.testing.assert_allclose(twice, once, rtol=1e-6)
