"""Encoders of a history of items, chosen by name.

To add one: a layer whose ``call(embedded, present, ages)`` takes the items' embeddings [batch, length, dim],
most recent first, a mask [batch, length] (false where padded) and the ages in days [batch, length] (NaN where
unknown), and returns [batch, widths * dim], with ``widths`` an attribute; and its line in ``HISTORIES``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.layers.sequences import AttentionHistory, ConvolutionHistory, GruHistory


class MeanHistory(tf.keras.layers.Layer):
    """The plain mean of the items beside a mean that decays with age, as (1 + age)^-decay; decay is learnt.

    An unknown age counts as no age. [batch, length, dim] -> [batch, 2 * dim]; zeros for an empty history.
    """

    widths = 2

    def build(self, _: Any) -> None:
        """Create the decay, kept positive by a softplus; it starts at 0.69."""
        self.raw_decay = self.add_weight(name="raw_decay", shape=(), initializer="zeros")

    def call(self, embedded: Any, present: Any, ages: Any) -> Any:
        """Return both means side by side."""
        plain = tf.cast(present, embedded.dtype)
        known = tf.where(tf.math.is_finite(ages), tf.maximum(ages, 0.0), tf.zeros_like(ages))
        decay = tf.math.softplus(self.raw_decay)
        recent = plain * tf.exp(-decay * tf.math.log1p(known))
        weights = tf.stack([plain, recent], axis=1)
        weights = tf.math.divide_no_nan(weights, tf.reduce_sum(weights, axis=2, keepdims=True))
        return tf.reshape(tf.matmul(weights, embedded), [-1, 2 * embedded.shape[-1]])


HISTORIES: dict[str, Callable[[], Any]] = {
    "attention": AttentionHistory,
    "convolution": ConvolutionHistory,
    "gru": GruHistory,
    "mean": MeanHistory,
}
"""Name in the spec -> encoder. ``none`` is no encoder: the history is left out."""
