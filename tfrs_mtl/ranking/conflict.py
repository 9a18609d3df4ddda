"""How the tasks' gradients in the shared representation stand to each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl._tf import tf
from tfrs_mtl.layers.inputs import Segment


def shared_columns(segments: Iterable[Segment], width: int) -> NDArray[np.float32]:
    """Return 1 for each column of the encoded inputs that all tasks share, 0 for single tasks', [width].

    Columns behind the last segment are shared.
    """
    parts = [part for s in segments for part in (np.ones(s.width), np.zeros(s.extra))]
    found = np.concatenate([*parts, np.ones(width)])[:width]
    return found.astype(np.float32)


def gram_matrix(tape: Any, losses: Iterable[Any], x: Any, shared: NDArray[np.float32]) -> Any:
    """Return the inner products of the losses' gradients with respect to x, [tasks, tasks].

    Args:
        tape: persistent, of the losses' making.
        x: the representation, [batch, width].
        shared: the columns that count, [width].
    """
    zero = tf.UnconnectedGradients.ZERO
    gradients = [tape.gradient(loss, x, unconnected_gradients=zero) * shared for loss in losses]
    stacked = tf.stack([tf.reshape(gradient, [-1]) for gradient in gradients])
    return tf.matmul(stacked, stacked, transpose_b=True)


def cosines(gram: NDArray[np.float32], tasks: Iterable[str]) -> Mapping[tuple[str, str], float]:
    """Return the cosine between the gradients of each two tasks; NaN where one of them is 0."""
    norms = np.sqrt(np.diag(gram))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = gram / np.outer(norms, norms)
    return {(a, b): float(found[i, j]) for (i, a), (j, b) in combinations(enumerate(tasks), 2)}
