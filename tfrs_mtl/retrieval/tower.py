"""One tower, used for the query and for the item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import ModelInput
from tfrs_mtl.layers.inputs import InputEncoder
from tfrs_mtl.layers.mlp import mlp
from tfrs_mtl.layers.noise import Dropout, HideIds
from tfrs_mtl.layers.tables import Tables


class Tower(tf.keras.layers.Layer):
    """Inputs -> hidden layers -> a linear map to ``dim``; dropout and L2 normalisation where asked for.

    A tower without hidden layers whose inputs are ``dim`` wide already is those inputs: ids alone then give
    the id tower of the TFRS tutorial.

    Args:
        inputs: what this side is described by.
        tables: the model's embedding tables, shared by both towers.
        retrieval: widths, history encoder, normalisation, dropout, share of hidden ids.
        hidden_id: the category input whose id is hidden now and then in training; None hides none.
    """

    def __init__(
        self,
        inputs: Sequence[ModelInput],
        tables: Tables,
        retrieval: spec.Retrieval,
        *,
        hidden_id: str | None = None,
    ) -> None:
        super().__init__()
        self.dim = retrieval.dim
        self.normalise = retrieval.normalise
        self.hidden_id = hidden_id
        self.hide = HideIds(retrieval.item_dropout)
        self.encoder = InputEncoder(inputs, tables, history=retrieval.history)
        self.dropout = Dropout(retrieval.dropout) if retrieval.dropout else None
        self.hidden = mlp(retrieval.hidden) if retrieval.hidden else None
        self.linear = tf.keras.layers.Dense(retrieval.dim)

    def call(self, features: Mapping[str, Any], training: Any = None) -> Any:
        """Return [batch, dim]."""
        if self.hidden_id is not None:
            hidden = self.hide(features[self.hidden_id], training=training)
            features = {**features, self.hidden_id: hidden}
        output = self.encoder(features)
        if self.dropout is not None:
            output = self.dropout(output, training=training)
        if self.hidden is not None:
            output = self.hidden(output, training=training)
        if self.hidden is not None or output.shape[-1] != self.dim:
            output = self.linear(output)
        return tf.math.l2_normalize(output, axis=-1) if self.normalise else output
