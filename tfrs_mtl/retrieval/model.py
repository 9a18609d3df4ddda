"""Two towers and the loss that teaches them: in-batch softmax by TFRS, its biases taken out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl import spec
from tfrs_mtl._tf import tf, tfrs
from tfrs_mtl.dataset.examples import ModelInput
from tfrs_mtl.layers.blockwise import Blockwise
from tfrs_mtl.layers.features import select
from tfrs_mtl.layers.tables import Tables
from tfrs_mtl.retrieval.tower import Tower

LOG_PROBABILITY = "item#log_probability"
"""float32 [batch]: log of the probability with which the row's item is drawn into a batch."""
ITEM_CODE = "item#code"
"""int64 [batch]: a number of its own for each item, whether the vocabulary holds it or not."""
QUERY_CODE = "query#code"
"""int64 [batch]: the same for queries."""


class RetrievalModel(tfrs.Model):
    """Scores a (query, item) by the dot product of two towers; one positive pair a row in training.

    The loss of a row is the softmax cross-entropy of its item among the items of the batch (Yi et al.,
    RecSys 2019): scores are divided by the temperature and corrected by -log Q of the candidate; candidates
    that are the row's own item, or another item of the row's own query, do not count as negatives.

    Args:
        query_inputs: what a query is described by.
        item_inputs: what an item is described by; inputs of both sides that name one table share it.
        retrieval: sizes and the parts of the loss.
        item_id: the name of the item input that holds its id, hidden now and then in training so that new
            items work from their attributes; None where there is none.
    """

    def __init__(
        self,
        query_inputs: Sequence[ModelInput],
        item_inputs: Sequence[ModelInput],
        retrieval: spec.Retrieval,
        *,
        item_id: str | None = None,
    ) -> None:
        super().__init__()
        self.retrieval = retrieval
        self.query_inputs = tuple(query_inputs)
        self.item_inputs = tuple(item_inputs)
        self.tables = Tables([*query_inputs, *item_inputs])
        self.query_tower = Tower(query_inputs, self.tables, retrieval)
        self.item_tower = Tower(item_inputs, self.tables, retrieval, hidden_id=item_id)
        self.task = tfrs.tasks.Retrieval(
            loss=tf.keras.losses.CategoricalCrossentropy(
                from_logits=True, reduction=tf.keras.losses.Reduction.SUM_OVER_BATCH_SIZE
            ),
            temperature=retrieval.temperature,
            remove_accidental_hits=retrieval.remove_accidental_hits,
        )
        self._encode_queries = Blockwise(self.query_tower, query_inputs)
        self._encode_items = Blockwise(self.item_tower, item_inputs)

    @property
    def model_inputs(self) -> tuple[ModelInput, ...]:
        """Every input of both sides."""
        return self.query_inputs + self.item_inputs

    def call(self, features: Mapping[str, Any], training: Any = None) -> Any:
        """Return the scores [batch] of pairs, without temperature."""
        query, item = self._embed(features, training)
        return tf.reduce_sum(query * item, axis=-1)

    def compute_loss(self, batch: Mapping[str, Any], training: bool = False) -> Any:
        """Return the mean loss of a batch of positive pairs.

        The batch holds the arrays of all inputs and, for the parts of the loss that are switched on,
        ``item#log_probability``, ``item#code`` and ``query#code``.
        """
        query, item = self._embed(batch, training)
        settings = self.retrieval
        return self.task(
            query,
            item,
            candidate_sampling_probability=tf.exp(batch[LOG_PROBABILITY]) if settings.logq else None,
            candidate_ids=batch[ITEM_CODE] if settings.remove_accidental_hits else None,
            score_mask=_not_of_same_query(batch[QUERY_CODE]) if settings.mask_positives else None,
            compute_metrics=False,
            compute_batch_metrics=False,
        )

    def encode_queries(self, features: Mapping[str, Any], *, rows: int = 4096) -> NDArray[np.float32]:
        """Return [n, dim] for arrays of n queries, computed ``rows`` at a time."""
        return self._encode_queries(features, rows=rows)  # type: ignore[no-any-return]

    def encode_items(self, features: Mapping[str, Any], *, rows: int = 4096) -> NDArray[np.float32]:
        """Return [n, dim] for arrays of n items, computed ``rows`` at a time."""
        return self._encode_items(features, rows=rows)  # type: ignore[no-any-return]

    def get_config(self) -> dict[str, Any]:
        """Return nothing: the bundle keeps what a model is made from; Keras warns without this method."""
        return {}

    def _embed(self, batch: Mapping[str, Any], training: Any) -> tuple[Any, Any]:
        query = self.query_tower(select(batch, self.query_inputs), training=training)
        return query, self.item_tower(select(batch, self.item_inputs), training=training)


def _not_of_same_query(codes: Any) -> Any:
    """Return [batch, batch]: true where the candidate is the row's own or another query's."""
    others = tf.not_equal(codes[:, tf.newaxis], codes[tf.newaxis, :])
    return tf.linalg.set_diag(others, tf.ones_like(codes, tf.bool))
