"""The ranking model on pairs of few queries and many items: each side is encoded once, not once a pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import Arrays, ModelInput, ages_of
from tfrs_mtl.layers.features import select, signature
from tfrs_mtl.layers.match import Match
from tfrs_mtl.ranking.model import RankingModel

_ROWS = 4096


class Inputs(NamedTuple):
    """The model's inputs by the side that they describe; in this order they are the model's own."""

    query: tuple[ModelInput, ...]
    item: tuple[ModelInput, ...]
    pair: tuple[ModelInput, ...]


class EncodedItems(NamedTuple):
    """Items as the ranking model sees them, in TensorFlow's memory.

    Attributes:
        encoded: [items, width]; width 0 where the model reads nothing of an item.
        arrays: what was encoded, by name, [items, ...]: a history is matched with the items' ids.
    """

    encoded: Any
    arrays: Mapping[str, Any]


class Inference:
    """What ``RankingModel.predict`` answers, for pairs given by rows; a test holds the two equal.

    Args:
        model: with its variables made.
        inputs: the model's inputs.
    """

    def __init__(self, model: RankingModel, inputs: Inputs) -> None:
        self._model = model
        self._inputs = inputs
        rows = tf.TensorSpec([None], tf.int32)
        items = EncodedItems(tf.TensorSpec([None, None], tf.float32), signature(inputs.item))
        sides = [signature(inputs.query), items, signature(inputs.pair), rows, rows]
        self._predict = tf.function(self._call, input_signature=sides)
        self._encode_items = tf.function(lambda features: self._encode(inputs.item, features))

    def encode_items(self, arrays: Arrays) -> EncodedItems:
        """Encode the arrays of all items once, for many calls of ``predict``."""
        held = {name: tf.constant(array) for name, array in select(arrays, self._inputs.item).items()}
        if not held:
            return EncodedItems(tf.zeros([0, 0]), held)
        return EncodedItems(self._encode_items(held), held)

    def predict(
        self,
        queries: Arrays,
        items: EncodedItems,
        pairs: Arrays,
        *,
        query_rows: NDArray[np.int64],
        item_rows: NDArray[np.int64],
    ) -> dict[str, NDArray[np.float32]]:
        """Return task -> [n] for n pairs.

        Args:
            queries: arrays of the queries, [queries, ...].
            pairs: arrays of the pairs, [n, ...].
            query_rows, item_rows: who meets what, [n].
        """
        given = select(queries, self._inputs.query)
        own = select(pairs, self._inputs.pair)
        blocks = []
        for start in range(0, max(len(query_rows), 1), _ROWS):
            stop = start + _ROWS
            block = {name: array[start:stop] for name, array in own.items()}
            rows = (query_rows[start:stop].astype(np.int32), item_rows[start:stop].astype(np.int32))
            blocks.append(self._predict(given, items, block, *rows))
        return {name: np.concatenate([block[name].numpy() for block in blocks]) for name in blocks[0]}

    def _call(self, queries: Any, items: Any, pairs: Any, query_rows: Any, item_rows: Any) -> dict[str, Any]:
        parts = [self._encode(self._inputs.pair, pairs)] if self._kept(self._inputs.pair) else []
        if self._kept(self._inputs.item):
            width = self._width(self._inputs.item)
            parts.insert(0, tf.ensure_shape(tf.gather(items.encoded, item_rows), [None, width]))
        if self._kept(self._inputs.query):
            parts.insert(0, tf.gather(self._encode(self._inputs.query, queries), query_rows))
        if (match := self._model.match) is not None:
            parts.append(_matched(match, queries, items.arrays, pairs, query_rows, item_rows))
        represented = self._model.architecture(tf.concat(parts, axis=-1))
        return {name: head.predict(head(represented[name])) for name, head in self._model.heads.items()}

    def _encode(self, inputs: Sequence[ModelInput], features: Any) -> Any:
        encoder = self._model.encoder
        return tf.concat([encoder.encode(given, features) for given in self._kept(inputs)], axis=-1)

    def _kept(self, inputs: Sequence[ModelInput]) -> list[ModelInput]:
        return [given for given in inputs if given in self._model.encoder.kept]

    def _width(self, inputs: Sequence[ModelInput]) -> int:
        shaped = tf.function(lambda f: self._encode(inputs, f)).get_concrete_function(signature(inputs))
        return int(shaped.output_shapes[-1])


def _matched(match: Match, queries: Any, items: Any, pairs: Any, query_rows: Any, item_rows: Any) -> Any:
    """Match histories with ids, gathered for each pair."""
    needed = {name for p in match.pairs for name in (p.history, ages_of(p.history), p.category)}
    features = {name: array for name, array in pairs.items() if name in needed}
    for side, rows in ((queries, query_rows), (items, item_rows)):
        features |= {name: tf.gather(array, rows) for name, array in side.items() if name in needed}
    return match(features)
