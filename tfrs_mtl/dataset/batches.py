"""Batches of tensors from in-memory examples, gathered by row inside the tf.data graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import Examples

PREFETCH = 4
SLATE = "slate"
"""Key of a row's slate in a batch, where the examples have slates."""
_JITTER = 0.05
"""How far a row may stray from its place in time, as a share of all the time."""


def label_of(task: str) -> str:
    """Return the key of a task's label in a batch."""
    return f"label#{task}"


def weight_of(task: str) -> str:
    """Return the key of the weights of a task's rows in a batch, where they differ."""
    return f"weight#{task}"


def batches(
    examples: Examples,
    batch_size: int,
    *,
    shuffle_seed: int | None = None,
    epoch: int = 0,
    drop_remainder: bool = False,
) -> Any:
    """Return a ``tf.data.Dataset`` of flat dicts: every block's arrays and, as ``label#<task>``, the labels.

    Args:
        examples: what to batch. To pass over it often, make ``Columns`` of it once: they are a copy.
        batch_size: rows a batch; the last one has what remains, unless ``drop_remainder``.
        shuffle_seed: None keeps the order. Else the order is a function of the seed and the epoch alone, so
            that a resumed run sees what an uninterrupted one would.
        epoch: the number of the pass.
        drop_remainder: leave out a last batch that is not full.
    """
    return Columns(examples).batches(
        batch_size, shuffle_seed=shuffle_seed, epoch=epoch, drop_remainder=drop_remainder
    )


class Columns:
    """Examples as tensors.

    Args:
        examples: their arrays are copied into TensorFlow's memory.
    """

    def __init__(self, examples: Examples) -> None:
        self._size, self._times = examples.size, examples.times
        self._blocks = [
            (None if block.rows is None else tf.constant(block.rows, tf.int32), _tensors(block.arrays))
            for block in examples.blocks
        ]
        self._labels = _tensors({label_of(task): values for task, values in examples.labels.items()})
        self._labels |= _tensors({weight_of(task): values for task, values in examples.weights.items()})
        self._slates = examples.slates
        if examples.slates is not None:
            self._labels[SLATE] = tf.constant(examples.slates, tf.int32)

    def gather(self, rows: Any) -> dict[str, Any]:
        """Return the examples of these rows [batch] as one flat dict."""
        batch = {name: tf.gather(values, rows) for name, values in self._labels.items()}
        for own, tensors in self._blocks:
            taken = rows if own is None else tf.gather(own, rows)
            batch |= {name: tf.gather(values, taken) for name, values in tensors.items()}
        return batch

    def batches(self, batch_size: int, *, shuffle_seed: int | None, epoch: int, drop_remainder: bool) -> Any:
        """Return what the function ``batches`` does."""
        size = self._size
        steps = size // batch_size if drop_remainder else -(-size // batch_size)
        order = _order(
            size, shuffle_seed, epoch, times=self._times, slates=self._slates, batch_size=batch_size
        )

        def batch(step: Any) -> dict[str, Any]:
            start = tf.cast(step, tf.int32) * batch_size
            return self.gather(order[start : tf.minimum(start + batch_size, size)])

        return tf.data.Dataset.range(steps).map(batch).prefetch(PREFETCH)


def _order(
    size: int,
    seed: int | None,
    epoch: int,
    *,
    times: NDArray[np.int64] | None,
    slates: NDArray[np.int32] | None,
    batch_size: int,
) -> Any:
    """Return the rows [size] in the order of this pass."""
    if seed is None:
        return tf.range(size)
    rng = np.random.default_rng([seed, epoch])
    if slates is not None and size:
        return tf.constant(_by_slate(rng, slates), tf.int32)
    if times is None or size == 0:
        return tf.constant(rng.permutation(size), tf.int32)
    return tf.constant(_near_in_time(rng, times, batch_size), tf.int32)


def _by_slate(rng: np.random.Generator, slates: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return rows in an order that keeps each slate together; where a batch ends, one may be cut in two."""
    places = rng.permutation(int(slates.max()) + 1)
    return np.argsort(places[slates], kind="stable")


def _near_in_time(rng: np.random.Generator, times: NDArray[np.int64], batch_size: int) -> NDArray[np.int64]:
    """Return rows in an order that puts what happened at about the same time into one batch.

    The candidates of an in-batch softmax carry features of their own moments. Were those months apart, a
    model could tell the true item by its moment alone, from whatever grows with time; served, all items are
    of one moment. The batches themselves come in random order.
    """
    strayed = times + rng.uniform(0, _JITTER * max(int(np.ptp(times)), 1), len(times))
    rows = np.argsort(strayed, kind="stable")
    steps, rest = divmod(len(rows), batch_size)
    first = int(rng.integers(0, rest + 1))
    last = first + steps * batch_size
    whole = rows[first:last].reshape(steps, batch_size)[rng.permutation(steps)]
    return np.concatenate([whole.ravel(), rows[:first], rows[last:]])


def _tensors(arrays: Any) -> dict[str, Any]:
    return {name: tf.convert_to_tensor(values) for name, values in arrays.items()}
