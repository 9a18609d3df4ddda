"""From the arrays of a batch to one dense vector a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import NULL, ModelInput, ages_of
from tfrs_mtl.layers.history import HISTORIES
from tfrs_mtl.layers.tables import Tables


class InputEncoder(tf.keras.layers.Layer):
    """Encodes each input by its form and puts them side by side: dict of arrays -> [batch, width].

    A category becomes its embedding; a dense input stays; a bag becomes the mean of its embeddings (zeros
    when empty); a history goes through the encoder of that name.

    Args:
        inputs: what to encode, in this order.
        tables: the model's embedding tables.
        history: a name of ``HISTORIES``, or ``none`` to leave histories out.
    """

    def __init__(self, inputs: Sequence[ModelInput], tables: Tables, *, history: str = "mean") -> None:
        super().__init__()
        kept = [i for i in inputs if i.form != "history" or history != "none"]
        if not kept:
            raise ValueError(f"nothing to encode: inputs {[i.name for i in inputs]}, history {history!r}")
        self.kept = tuple(kept)
        self.tables = tables
        self.histories = {i.name: HISTORIES[history]() for i in kept if i.form == "history"}

    def call(self, features: Mapping[str, Any]) -> Any:
        """Return [batch, width]; arrays that no input names are not looked at."""
        return tf.concat([self.encode(i, features) for i in self.kept], axis=-1)

    def encode(self, model_input: ModelInput, features: Mapping[str, Any]) -> Any:
        """Return one input encoded, [batch, its width]."""
        values = features[model_input.name]
        if model_input.form == "dense":
            return values
        embedded = self.tables(values, table=model_input.table)
        if model_input.form == "category":
            return embedded
        present = tf.not_equal(values, NULL)
        if model_input.form == "bag":
            return _mean(embedded, present)
        return self.histories[model_input.name](embedded, present, features[ages_of(model_input.name)])


def _mean(embedded: Any, present: Any) -> Any:
    """Mean of [batch, length, dim] where present [batch, length]; zeros where nothing is."""
    weights = tf.cast(present, embedded.dtype)[:, tf.newaxis, :]
    weights = tf.math.divide_no_nan(weights, tf.reduce_sum(weights, axis=2, keepdims=True))
    return tf.squeeze(tf.matmul(weights, embedded), axis=1)
