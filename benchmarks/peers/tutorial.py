"""The retrieval model of TFRS' tutorial as it stands: two embeddings, in-batch softmax, three epochs."""

from __future__ import annotations

import numpy as np

from peers.counts import Codes, Counts, Recommend
from tfrs_mtl._tf import tf, tfrs
from tfrs_mtl.evaluation.item_sets import ItemSets
from tfrs_mtl.evaluation.retrieval import KS
from tfrs_mtl.evaluation.top_k import masked_top_k

_DIM, _BATCH, _EPOCHS, _RATE = 32, 8192, 3, 0.1


class _Tutorial(tfrs.Model):
    def __init__(self, queries: int, items: int) -> None:
        super().__init__()
        self.queries = tf.keras.layers.Embedding(queries, _DIM)
        self.items = tf.keras.layers.Embedding(items, _DIM)
        self.task = tfrs.tasks.Retrieval()

    def compute_loss(self, batch: tuple[object, object], training: bool = False) -> object:
        query, item = batch
        return self.task(self.queries(query), self.items(item), compute_metrics=False)


def tutorial(counts: Counts, settings: object, *, seed: int) -> Recommend:
    """Train it on each (query, item) before the moment; ids stand for the titles."""
    tf.keras.utils.set_random_seed(seed)
    queries, items = counts.matrix.nonzero()
    model = _Tutorial(*counts.matrix.shape)
    model.compile(optimizer=tf.keras.optimizers.legacy.Adagrad(learning_rate=_RATE))
    rows = tf.data.Dataset.from_tensor_slices((queries.astype(np.int32), items.astype(np.int32)))
    model.fit(rows.shuffle(len(queries), seed=seed).batch(_BATCH).cache(), epochs=_EPOCHS, verbose=0)
    vectors, known = model.queries.get_weights()[0], model.items.get_weights()[0]

    def recommend(codes: Codes, only_new: bool) -> Codes:
        mine = counts.matrix[codes]
        barred = ItemSets.from_pairs(*mine.nonzero(), number=len(codes)) if only_new else None
        return masked_top_k(vectors[codes] @ known.T, max(KS), excluded=barred)

    return recommend
