"""The candidate met by the query's history: what a query did with this very item before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import NULL, UNKNOWN, ModelInput, ages_of


class Pair(NamedTuple):
    """A history and a category that hold ids of the same table."""

    history: str
    category: str


def pairs(inputs: Sequence[ModelInput]) -> tuple[Pair, ...]:
    """Return every history with every category of its table, in the order of the inputs."""
    return tuple(
        Pair(history.name, category.name)
        for history in inputs
        for category in inputs
        if history.form == "history" and category.form == "category" and history.table == category.table
    )


class Match(tf.keras.layers.Layer):
    """Whether, how often, how much and how lately the category's id stands in the history.

    Four features a pair: 1 if it matches; log1p of the count of matches; their share of the history; log1p of
    the age in days of the most recent match (0 where none matches or its age is unknown). Null and unknown
    ids match nothing: two unknown items need not be the same.

    Args:
        pairs: what meets what; at least one.
    """

    def __init__(self, pairs: Sequence[Pair]) -> None:
        super().__init__()
        self.pairs = tuple(pairs)

    @property
    def width(self) -> int:
        """How many columns the output has."""
        return 4 * len(self.pairs)

    def call(self, features: Mapping[str, Any]) -> Any:
        """Return [batch, 4 * pairs]."""
        return tf.concat(
            [
                _match(features[p.history], features[ages_of(p.history)], features[p.category])
                for p in self.pairs
            ],
            axis=-1,
        )


def _match(history: Any, ages: Any, ids: Any) -> Any:
    """[batch, length], [batch, length], [batch] -> [batch, 4]."""
    ids = ids[:, tf.newaxis]
    hit = tf.logical_and(tf.equal(history, ids), ids > UNKNOWN)
    count = tf.reduce_sum(tf.cast(hit, tf.float32), axis=1)
    length = tf.reduce_sum(tf.cast(tf.not_equal(history, NULL), tf.float32), axis=1)
    dated = tf.logical_and(hit, tf.math.is_finite(ages))
    age = tf.reduce_min(tf.where(dated, ages, tf.fill(tf.shape(ages), tf.float32.max)), axis=1)
    age = tf.where(tf.reduce_any(dated, axis=1), tf.maximum(age, 0.0), tf.zeros_like(age))
    matches = tf.cast(count > 0, tf.float32)
    share = tf.math.divide_no_nan(count, length)
    return tf.stack([matches, tf.math.log1p(count), share, tf.math.log1p(age)], axis=1)
