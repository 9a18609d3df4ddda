"""Encoders that see the order of a history: convolution, recurrence, attention. ``history.py`` names them."""

from __future__ import annotations

from typing import Any

from tfrs_mtl._tf import tf

_NEVER = -1e9  # as a logit: so far below all others that its weight is 0


class ConvolutionHistory(tf.keras.layers.Layer):
    """Three items in a row at a time, the strongest of each filter, and the last item (Caser, WSDM 2018).

    c_t = relu(sum_j W_j e_{t+j} + b) for j in -1, 0, 1, with zeros beyond the ends; the maximum over t where
    there is an item, beside the most recent embedding. [batch, length, dim] -> [batch, 2 * dim].
    """

    widths = 2

    def build(self, shape: Any) -> None:
        """Create as many filters as the embedding is wide."""
        self.convolution = tf.keras.layers.Conv1D(shape[-1], 3, padding="same", activation="relu")
        self.convolution.build(shape)

    def call(self, embedded: Any, present: Any, ages: Any) -> Any:
        """Return the pooled filters and the last item side by side; zeros for an empty history."""
        held = tf.cast(present, embedded.dtype)[..., tf.newaxis]
        kept = embedded * held
        # ReLU's least is 0, so what is not there may stand as 0 under the maximum.
        pooled = tf.reduce_max(self.convolution(kept) * held, axis=1)
        return tf.concat([pooled, kept[:, 0]], axis=-1)


class GruHistory(tf.keras.layers.Layer):
    """A gated recurrent unit from the oldest item to the last (GRU4Rec, ICLR 2016); its state at the end.

    [batch, length, dim] -> [batch, dim]; zeros for an empty history.
    """

    widths = 1

    def build(self, shape: Any) -> None:
        """Create a cell as wide as the embedding."""
        self.recurrence = tf.keras.layers.RNN(tf.keras.layers.GRUCell(shape[-1]), go_backwards=True)
        self.recurrence.build(shape)

    def call(self, embedded: Any, present: Any, ages: Any) -> Any:
        """Return the last state; padding, which is where the oldest would be, is passed over."""
        return self.recurrence(embedded, mask=present)


class AttentionHistory(tf.keras.layers.Layer):
    """One block of self-attention as the last item sees it (SASRec, ICDM 2018), with recency in the weights.

    a = softmax(q(e_0) k(e_t) / sqrt(dim) - softplus(d) log(1 + age_t)); h = norm(e_0 + sum_t a_t v(e_t));
    the result is norm(h + W2 relu(W1 h)). The block's other rows are not read, so they are not computed.
    [batch, length, dim] -> [batch, dim]; zeros for an empty history. An unknown age counts as no age.
    """

    widths = 1

    def build(self, shape: Any) -> None:
        """Create query, key, value, the feed-forward part, both norms and the decay."""
        dim = shape[-1]
        dense = tf.keras.layers.Dense
        self.query, self.key, self.value = (dense(dim, use_bias=False) for _ in range(3))
        self.inner, self.outer = dense(dim, activation="relu"), dense(dim)
        self.first, self.second = tf.keras.layers.LayerNormalization(), tf.keras.layers.LayerNormalization()
        for layer in (
            self.query,
            self.key,
            self.value,
            self.inner,
            self.outer,
            self.first,
            self.second,
        ):
            layer.build(tf.TensorShape([None, dim]))
        self.raw_decay = self.add_weight(name="raw_decay", shape=(), initializer="zeros")

    def call(self, embedded: Any, present: Any, ages: Any) -> Any:
        """Return the last item's row of the block."""
        last = embedded[:, 0]
        known = tf.where(tf.math.is_finite(ages), tf.maximum(ages, 0.0), tf.zeros_like(ages))
        logits = tf.einsum("bd,bld->bl", self.query(last), self.key(embedded))
        logits = logits / tf.sqrt(float(embedded.shape[-1]))
        logits -= tf.math.softplus(self.raw_decay) * tf.math.log1p(known)
        weights = tf.nn.softmax(tf.where(present, logits, tf.fill(tf.shape(logits), _NEVER)), axis=1)
        seen = self.first(last + tf.einsum("bl,bld->bd", weights, self.value(embedded)))
        output = self.second(seen + self.outer(self.inner(seen)))
        return tf.where(tf.reduce_any(present, axis=1, keepdims=True), output, tf.zeros_like(output))
