"""Which inputs moved a score: integrated gradients over the encoded inputs of the ranking model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import UNKNOWN, Arrays
from tfrs_mtl.layers.features import select, zeros
from tfrs_mtl.ranking.model import RankingModel

Score = Callable[[Mapping[str, Any], Any], Any]
"""(task -> predictions [m], row of the pair that each is of [m]) -> scores [m], in TensorFlow."""

_STEPS = 128
_ROWS = 4096


class Attribution(NamedTuple):
    """Where scores come from.

    Attributes:
        baseline: the score of a pair of which nothing is known, [n].
        columns: what each column of the encoded inputs adds to it, [n, width]; with the baseline they sum to
            the score, but for the error of the quadrature.
    """

    baseline: NDArray[np.float32]
    columns: NDArray[np.float32]


def attribute(model: RankingModel, features: Arrays, score: Score) -> Attribution:
    """Attribute the scores of n pairs to the inputs (Sundararajan, Taly and Yan, ICML 2017).

        a_i = (x_i - b_i) * integral_0^1 d score / d x_i (b + t (x - b)) dt

    x: the encoded inputs; b: those of an unknown query and item, whose numbers are the mean. The integral is
    Gauss-Legendre quadrature of 128 points.

    Args:
        features: arrays of the pairs, [n, ...].
    """
    given = select(features, model.model_inputs)
    unknown = _unknown(model)
    size = len(next(iter(given.values())))
    blocks = [
        _block(model, given, unknown, np.arange(start, min(start + _ROWS // _STEPS, size)), score)
        for start in range(0, size, _ROWS // _STEPS)
    ]
    return Attribution(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def column_names(model: RankingModel, dense: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the name of the input or dense column that each column of ``Attribution`` is of, [width].

    Args:
        dense: name of a dense input -> names of its columns.
    """
    names: list[str] = []
    for given, segment in zip(model.encoder.kept, model.encoder.segments, strict=True):
        names += dense.get(given.name, (given.name,) * (segment.width + segment.extra))
    if (match := model.match) is not None:
        names += np.repeat([pair.history for pair in match.pairs], match.width // len(match.pairs)).tolist()
    return tuple(names)


def _block(
    model: RankingModel, given: Arrays, unknown: Mapping[str, Any], rows: NDArray[np.int64], score: Score
) -> Attribution:
    nodes, weights = np.polynomial.legendre.leggauss(_STEPS)
    steps = tf.constant((nodes + 1) / 2, tf.float32)[:, tf.newaxis, tf.newaxis]
    start = model.encode(unknown)
    way = model.encode({name: array[rows] for name, array in given.items()}) - start
    path = tf.reshape(start + steps * way, [-1, way.shape[-1]])
    with tf.GradientTape() as tape:
        tape.watch(path)
        total = tf.reduce_sum(score(_predictions(model, path), np.tile(rows, _STEPS)))
    slopes = tf.reshape(tape.gradient(total, path), [_STEPS, *way.shape])
    mean = tf.tensordot(tf.constant(weights / 2, tf.float32), slopes, 1)
    same = tf.repeat(start, len(rows), axis=0)
    return Attribution(score(_predictions(model, same), rows).numpy(), (way * mean).numpy())


def _predictions(model: RankingModel, x: Any) -> dict[str, Any]:
    return model.answers(model.architecture(x))


def _unknown(model: RankingModel) -> dict[str, Any]:
    """Return a row of which nothing is known: unknown ids, no history, numbers at their mean."""
    features = zeros(model.model_inputs)
    for given in model.model_inputs:
        if given.form == "category":
            features[given.name] = tf.fill([1], UNKNOWN)
    return features
