"""A small network learns to order each query's candidates: softmax cross-entropy over the whole list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl._tf import tf

_HIDDEN = (32, 16)
_QUERIES, _RATE, _LAST = 16, 2e-3, 0.05
_EPOCHS, _STEPS = 20, 1000  # few lists are passed over more often
_POWER = 0.5  # of a query's number of met items in its weight: 1 counts items alike, 0 queries

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Lists:
    """The candidates of many queries, list after list.

    Attributes:
        signals: [pairs, width], standardised.
        met: 1 where the query met the item, else 0, [pairs].
        owners: the query of each list, [lists].
        starts, sizes: of each list in ``signals``, [lists].
    """

    signals: Floats
    met: Floats
    owners: Ints
    starts: Ints
    sizes: Ints

    @classmethod
    def of(cls, owners: Ints, signals: Floats, met: NDArray[np.bool_]) -> Lists:
        """Make lists of pairs [n] in any order; queries that met nothing teach nothing and are left out."""
        order = np.argsort(owners, kind="stable")
        found, starts, sizes = np.unique(owners[order], return_index=True, return_counts=True)
        taught = np.add.reduceat(met[order].astype(np.int64), starts) > 0
        kept = starts[taught], sizes[taught]
        return cls(signals[order], met[order].astype(np.float32), found[taught], *kept)

    def rows(self, lists: Ints) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the pairs of some lists, and the place of each pair's list among them, [n] each."""
        sizes = self.sizes[lists]
        places = np.repeat(np.arange(len(lists)), sizes)
        within = np.arange(len(places)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return (self.starts[lists][places] + within).astype(np.int32), places.astype(np.int32)


def fit_lists(lists: Lists, *, held_out: NDArray[np.bool_], seed: int) -> list[Floats]:
    """Return the weights of the epoch that is best on the lists held out [lists].

    The loss of a list is the mean over what was met of -log softmax(score), weighed by the root of how much
    that was. Kernels and biases alternate: [in, out], [out], ...
    """
    tf.keras.utils.set_random_seed(seed)
    model = tf.keras.Sequential(
        [*(tf.keras.layers.Dense(width, "relu") for width in _HIDDEN), tf.keras.layers.Dense(1)]
    )
    model.build([None, lists.signals.shape[1]])
    learnt, judged = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    steps = -(-len(learnt) // _QUERIES)
    epochs = max(_EPOCHS, -(-_STEPS // max(steps, 1)))
    step, loss = _compiled(model, lists, steps=epochs * steps)
    best, kept = np.inf, model.get_weights()
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(learnt)
        for start in range(0, len(order), _QUERIES):
            step(*_tensors(lists, order[start : start + _QUERIES]))
        blocks = [judged[start : start + _QUERIES] for start in range(0, len(judged), _QUERIES)]
        found = sum(len(block) * float(loss(*_tensors(lists, block))) for block in blocks)
        if found < best:
            best, kept = found, model.get_weights()
    return [np.asarray(weight, np.float32) for weight in kept]


def ndcg(lists: Lists, scores: Floats) -> Floats:
    """Return the NDCG of each whole list [lists] when it is ordered by scores [pairs]."""
    places = np.repeat(np.arange(len(lists.starts)), lists.sizes)
    starts = np.cumsum(lists.sizes) - lists.sizes
    rows, _ = lists.rows(np.arange(len(lists.starts)))
    discounts = 1 / np.log2(np.arange(2, int(lists.sizes.max(initial=0)) + 2))
    order = np.lexsort((-scores[rows], places))
    gains = lists.met[rows][order] * discounts[np.arange(len(rows)) - starts[places]]
    number = np.add.reduceat(lists.met[rows], starts).astype(np.int64)
    best = np.cumsum(discounts)[number - 1]
    return np.asarray(np.add.reduceat(gains, starts) / best, np.float32)


def _tensors(lists: Lists, chosen: Ints) -> tuple[Any, Any, Any]:
    rows, places = lists.rows(chosen)
    return tf.constant(rows), tf.constant(places), tf.constant(len(chosen))


def _compiled(model: Any, lists: Lists, *, steps: int) -> tuple[Any, Any]:
    """Return the training step and the loss, both of (pairs, the place of each pair's list, lists)."""
    rate = tf.keras.optimizers.schedules.PolynomialDecay(_RATE, steps, _RATE * _LAST)
    optimizer = tf.keras.optimizers.Adam(rate)
    optimizer.build(model.trainable_variables)
    signals, met = tf.constant(lists.signals), tf.constant(lists.met)
    pairs, number = tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)

    def loss(rows: Any, places: Any, count: Any) -> Any:
        scores = model(tf.gather(signals, rows))[:, 0]
        return listwise_loss(scores, tf.gather(met, rows), places, count)

    def step(rows: Any, places: Any, count: Any) -> None:
        with tf.GradientTape() as tape:
            value = loss(rows, places, count)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))

    signature = [pairs, pairs, number]
    return tf.function(step, input_signature=signature), tf.function(loss, input_signature=signature)


def listwise_loss(scores: Any, met: Any, places: Any, count: Any) -> Any:
    """Return the mean over ``count`` lists; scores, met and the place of each pair's list are [n]."""
    highest = tf.math.unsorted_segment_max(scores, places, count)
    powers = tf.exp(scores - tf.gather(highest, places))
    total = tf.math.log(tf.math.unsorted_segment_sum(powers, places, count)) + highest
    number = tf.math.unsorted_segment_sum(met, places, count)
    missed = tf.math.unsorted_segment_sum(met * (tf.gather(total, places) - scores), places, count)
    return tf.reduce_mean(tf.math.divide_no_nan(missed, number**_POWER))
