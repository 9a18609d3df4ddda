"""From the arrays of a batch to one dense vector a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import NULL, ModelInput, ages_of
from tfrs_mtl.layers.history import HISTORIES
from tfrs_mtl.layers.tables import Tables


class Segment(NamedTuple):
    """Columns of one encoded input: first its own width, then the tables' extra columns."""

    width: int
    extra: int


class InputEncoder(tf.keras.layers.Layer):
    """Encodes each input by its form and puts them side by side: dict of arrays -> [batch, width].

    A category becomes its embedding; a dense input stays; a bag becomes the mean of its embeddings (zeros
    when empty); a history goes through the encoder of that name.

    Args:
        inputs: what to encode, in this order.
        tables: the model's embedding tables.
        history: a name of ``HISTORIES``, or ``none`` to leave histories out.
        extra: columns of the tables behind the inputs' own: categories and bags bring theirs along,
            histories do not.
    """

    def __init__(
        self, inputs: Sequence[ModelInput], tables: Tables, *, history: str = "mean", extra: int = 0
    ) -> None:
        super().__init__()
        self.extra = extra
        kept = [i for i in inputs if i.form != "history" or history != "none"]
        if not kept:
            raise ValueError(f"nothing to encode: inputs {[i.name for i in inputs]}, history {history!r}")
        self.kept = tuple(kept)
        self.tables = tables
        self.histories = {i.name: HISTORIES[history]() for i in kept if i.form == "history"}

    @property
    def segments(self) -> tuple[Segment, ...]:
        """How the output's columns are made up, input by input."""
        return tuple(self._segment(i) for i in self.kept)

    def _segment(self, model_input: ModelInput) -> Segment:
        if model_input.form == "dense":
            return Segment(model_input.size, 0)
        if model_input.form == "history":
            return Segment(self.histories[model_input.name].widths * model_input.dim, 0)
        return Segment(model_input.dim, self.extra)

    def call(self, features: Mapping[str, Any]) -> Any:
        """Return [batch, width]; arrays that no input names are not looked at."""
        return tf.concat([self.encode(i, features) for i in self.kept], axis=-1)

    def encode(self, model_input: ModelInput, features: Mapping[str, Any]) -> Any:
        """Return one input encoded, [batch, its width]."""
        values = features[model_input.name]
        if model_input.form == "dense":
            return values
        embedded = self.tables(values, table=model_input.table, extra=model_input.form != "history")
        if model_input.form == "category":
            return embedded
        present = tf.not_equal(values, NULL)
        if model_input.form == "bag":
            return _mean(embedded, present)
        ages = features[ages_of(model_input.name)]
        return self.histories[model_input.name](embedded, present, ages)


def _mean(embedded: Any, present: Any) -> Any:
    """Mean of [batch, length, dim] where present [batch, length]; zeros where nothing is."""
    weights = tf.cast(present, embedded.dtype)[:, tf.newaxis, :]
    weights = tf.math.divide_no_nan(weights, tf.reduce_sum(weights, axis=2, keepdims=True))
    return tf.squeeze(tf.matmul(weights, embedded), axis=1)
