"""The best k of a row of scores without partitioning the row: group maxima give a bound that few pass."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_LARGEST_GROUP = 32
_LOWEST = np.finfo(np.float32).min


def group_size(items: int, k: int) -> int:
    """Return how many scores share a group.

    Larger groups leave fewer maxima to partition, but a bound that more scores pass; the root of
    ``items / k`` is between, and leaves at least ``k`` groups.
    """
    return max(1, min(_LARGEST_GROUP, math.isqrt(items // max(k, 1))))


def group_maxima(scores: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return ``[batch, groups]`` maxima of ``[batch, size * groups]`` scores.

    Column ``j`` is in group ``j % groups``: strided, so that the maximum runs along contiguous memory.
    """
    maxima: NDArray[np.float32] = scores.reshape(len(scores), size, scores.shape[1] // size).max(axis=1)
    return maxima


def bounds(maxima: NDArray[np.float32], k: int, *, margin: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``[batch]`` bounds that no score of a row's best ``k`` is below.

    ``k`` groups hold a score at or above the k-th largest maximum, so at least ``k`` scores do. ``margin``
    is taken off for rounding. The bound is finite, so that ``-inf`` (left out) never passes.
    """
    if k >= maxima.shape[1]:
        return np.full(len(maxima), _LOWEST, dtype=np.float32)
    place = maxima.shape[1] - k
    limits: NDArray[np.float32] = np.maximum(np.partition(maxima, place, axis=1)[:, place] - margin, _LOWEST)
    return limits


def descending(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the positions that sort ``[count]`` scores from best to worst, ties by position.

    Score and position are packed into one integer each, which sorts several times faster than a stable
    argsort. Negative floats order backwards as integers, hence the flip.
    """
    bits = (-scores + np.float32(0)).view(np.int32).astype(np.int64)  # + 0 makes -0 and 0 one value
    bits = np.where(bits < 0, np.int64(-(2**31)) - bits, bits)
    packed = np.sort((bits << 32) | np.arange(len(scores)))
    return packed & np.int64(0xFFFFFFFF)
