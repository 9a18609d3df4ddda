"""The ranking model on pairs of few queries and many items: what one side gives is computed once, not a pair.

An architecture's ``first`` is affine in its input, the columns of query, item and pair side by side. So it is
the sum of a product with each side's columns and a bias. Most of the model's work is in the item's product,
and that is done when the items are encoded. A category of a pair that has fewer ids than its embedding has
columns is met by the product of both, made beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import Arrays, ModelInput, ages_of
from tfrs_mtl.layers.features import select
from tfrs_mtl.layers.match import Match
from tfrs_mtl.layers.packed import Compiled, Layout, layout_of, pack, signature, unpack
from tfrs_mtl.ranking.model import RankingModel

_ROWS = 4096
_LARGEST = 2**30  # where the shares of all items take more, those of the pairs are computed anew each time


class Inputs(NamedTuple):
    """The model's inputs by the side that they describe; in this order they are the model's own."""

    query: tuple[ModelInput, ...]
    item: tuple[ModelInput, ...]
    pair: tuple[ModelInput, ...]


class Kernels(NamedTuple):
    """The architecture's first layer by the columns that it meets, [columns, first] each, and its bias."""

    query: Any
    item: Any
    pair: Any
    bias: Any


class EncodedItems(NamedTuple):
    """Items as the ranking model sees them.

    Attributes:
        held: their shares in the first layer, [items, first]; or, where ``is_narrow``, what the item's kernel
            is yet to be multiplied with, [items, columns].
        matched: what histories are matched with, by name, [items, ...].
        kernels: of the model as it was when they were encoded.
    """

    held: Any
    is_narrow: bool
    matched: Arrays
    kernels: Kernels


class Inference:
    """What ``RankingModel.predict`` answers, for pairs given by rows; a test holds the two equal.

    Args:
        model: with its variables made.
        inputs: the model's inputs.
        largest: bytes up to which the shares of all items are kept.
    """

    def __init__(self, model: RankingModel, inputs: Inputs, *, largest: int = _LARGEST) -> None:
        self._model = model
        self._inputs = inputs
        self._largest = largest
        encoder = model.encoder
        self._widths = dict(zip(encoder.kept, map(sum, encoder.segments), strict=True))
        self._folded = [
            given
            for given in inputs.pair
            if given.form == "category" and given.size <= self._widths.get(given, 0)
        ]
        self._predict = Compiled(self._compile)

    def encode_items(self, arrays: Arrays) -> EncodedItems:
        """Encode the arrays of all items once, for many calls of ``predict``."""
        kernels, given = self._kernels(), select(arrays, self._inputs.item)
        parts = self._encode(self._inputs.item, given)
        columns = tf.concat(parts, axis=-1) if parts else tf.zeros([0, 0])
        is_narrow = 4 * columns.shape[0] * kernels.bias.shape[0] > self._largest
        held = columns if is_narrow else tf.matmul(columns, kernels.item)
        matched = {name: array for name, array in given.items() if name in _looked_at(self._model.match)}
        return EncodedItems(held, is_narrow, matched, kernels)

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
        given, own = select(queries, self._inputs.query), dict(select(pairs, self._inputs.pair))
        own |= {name: array[item_rows] for name, array in items.matched.items()}
        sides = layout_of(given), layout_of(own)
        compiled = self._predict.of(*sides, items.is_narrow)
        size = len(next(iter(given.values()), ()))
        asked = pack(given, sides[0], start=0, size=size)
        blocks = []
        for start in range(0, max(len(query_rows), 1), _ROWS):
            who, what = query_rows[start : start + _ROWS], item_rows[start : start + _ROWS]
            rows = [tf.constant(rows, tf.int32) for rows in (who[:1] if size == 1 else who, what)]
            block = pack(own, sides[1], start=start, size=len(what))
            blocks.append(compiled(asked, block, *rows, items.held, items.kernels))
        return {name: np.concatenate([block[name].numpy() for block in blocks]) for name in blocks[0]}

    def _compile(self, asked: Layout, own: Layout, is_narrow: bool) -> Any:
        """Return ``_call`` for packed queries and pairs, and items that are held so."""

        def call(queries: Any, pairs: Any, who: Any, what: Any, held: Any, kernels: Kernels) -> Any:
            shares = tf.gather(held, what) if self._inputs.item else 0.0
            if is_narrow:
                shares = tf.matmul(shares, kernels.item)
            return self._call(unpack(queries, asked), who, unpack(pairs, own), shares, kernels)

        matrix, rows = tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([None], tf.int32)
        kernels = Kernels(matrix, matrix, matrix, tf.TensorSpec([None], tf.float32))
        sides = signature(asked), signature(own)
        return tf.function(call).get_concrete_function(*sides, rows, rows, matrix, kernels)

    def _call(self, queries: Any, rows: Any, pairs: Any, shares: Any, kernels: Any) -> dict[str, Any]:
        """Predict n pairs from the first layer on.

        Args:
            rows: those of the pairs' queries, [n]; or [1] where all are of one.
            shares: of the pairs' items in the first layer, [n, first].
        """
        asked, parts = kernels.bias, self._encode(self._inputs.query, queries)
        if parts:  # AutoGraph knows no assignment in a condition
            asked = tf.gather(tf.matmul(tf.concat(parts, axis=-1), kernels.query) + kernels.bias, rows)
        parts = self._encode(self._inputs.pair, pairs)
        if self._model.match is not None:
            names = _looked_at(self._model.match)
            met = {name: tf.gather(array, rows) for name, array in queries.items() if name in names}
            parts.append(self._model.match({**met, **pairs}))
        own = tf.matmul(tf.concat(parts, axis=-1), kernels.pair) if parts else 0.0
        return self._model.answers(self._model.architecture.rest(own + asked + shares))

    def _encode(self, inputs: Sequence[ModelInput], features: Any) -> list[Any]:
        encoder = self._model.encoder
        return [
            tf.one_hot(features[given.name], given.size)
            if given in self._folded
            else encoder.encode(given, features)
            for given in inputs
            if given in encoder.kept
        ]

    def _kernels(self) -> Kernels:
        """Read the first layer off what it makes of zeros, and of each column alone."""
        match, first = self._model.match, self._model.architecture.first
        sides = [sum(self._widths.get(given, 0) for given in side) for side in self._inputs]
        sides[-1] += match.width if match is not None else 0
        bias = first(tf.zeros([1, sum(sides)]))
        query, item, pair = tf.split(first(tf.eye(sum(sides))) - bias, sides)
        return Kernels(query, item, self._fold(pair), bias[0])

    def _fold(self, kernel: Any) -> Any:
        """Multiply the embeddings of pairs' categories of few ids into the pairs' kernel [columns, first]."""
        encoder = self._model.encoder
        kept = [given for given in self._inputs.pair if given in encoder.kept]
        widths = [self._widths[given] for given in kept]
        *parts, rest = tf.split(kernel, [*widths, kernel.shape[0] - sum(widths)])
        for n, given in enumerate(kept):
            if given in self._folded:
                embedded = encoder.encode(given, {given.name: tf.range(given.size)})
                parts[n] = tf.matmul(embedded, parts[n])
        return tf.concat([*parts, rest], axis=0)


def _looked_at(match: Match | None) -> set[str]:
    """Return the names of the arrays that are matched."""
    pairs = () if match is None else match.pairs
    return {name for p in pairs for name in (p.history, ages_of(p.history), p.category)}
