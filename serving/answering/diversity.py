"""Choosing one item after the other: by score, unlike those above, at most so many of one value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

# Worth within the pool is from -1 to 1; these keep the three ranks of candidates apart.
_BEYOND_POOL = np.float32(3)
_OVER_CAP = np.float32(8)


class Cap(NamedTuple):
    """At most so many items of one value.

    Attributes:
        values: code of each candidate's value, [n, c]; -1 where it has none, which no cap counts.
    """

    values: NDArray[np.int64]
    most: int


class Chosen(NamedTuple):
    """What was chosen.

    Attributes:
        places: places among the candidates, in the order of the answer, [n, k]; -1 where there are fewer.
        over: whether a query has items beyond a cap, since no others were left, [n].
    """

    places: Places
    over: NDArray[np.bool_]


def choose(
    ranks: NDArray[np.int64],
    k: int,
    *,
    fixed: Places,
    pool: int = 0,
    mmr: float = 0.0,
    vectors: Floats | None = None,
    caps: Sequence[Cap] = (),
) -> Chosen:
    """Choose k candidates of each query, one by one, by maximal marginal relevance.

        worth(i) = (1 - mmr) relevance(i) - mmr max_{j chosen} cos(v_i, v_j)    (Carbonell & Goldstein 1998)

    Relevance is the rank by score, from 1 down to 0 over the pool, whatever the score's unit and skew: the
    first share is often ten times the tenth, and scaled by value all the others would be one. A candidate
    beyond the pool comes only where the pool is used up; one beyond a cap only where nothing else is left.

    Args:
        ranks: each candidate's rank by score, [n, c]; -1 for those that come only where they are fixed.
        fixed: place of the candidate that stands at a position whatever its worth, [n, k]; -1 where none
            does. It counts for the caps, and the others are compared with it.
        vectors: of the first candidates, [n, w, dim], among them the pool and what is fixed; for ``mmr``.
    """
    lines, free = np.arange(len(ranks)), ranks >= 0
    free[np.nonzero(fixed >= 0)[0], fixed[fixed >= 0]] = False
    worth = _worth(ranks, pool, mmr)
    likeness = np.full(ranks.shape, -1, np.float32)
    counts = [np.zeros(ranks.shape, np.int64) for _ in caps]
    for position in np.unique(np.nonzero(fixed >= 0)[1]):  # they count from the start, wherever they stand
        _count(caps, counts, fixed[:, position])
    places, over = np.full((len(ranks), k), -1, np.int64), np.zeros(len(ranks), np.bool_)
    last = int(np.nonzero(fixed >= 0)[1].max(initial=-1)) + 1
    for position in range(min(k, max(ranks.shape[1], last))):
        beyond = _beyond(caps, counts, ranks.shape)
        total = np.where(free, worth - _OVER_CAP * beyond, -np.inf)
        if mmr:
            total -= np.where(ranks < pool, np.float32(mmr) * likeness, 0)
        is_fixed = fixed[:, position] >= 0
        place = np.where(is_fixed, fixed[:, position], total.argmax(axis=1))
        there = is_fixed | free[lines, place]
        places[there, position] = place[there]
        over |= there & ~is_fixed & beyond[lines, place]
        free[lines, place] = False
        _count(caps, counts, np.where(there & ~is_fixed, place, -1))
        if vectors is not None:
            _compare(likeness, vectors, place)
    return Chosen(_without_gaps(places), over)


def unit(vectors: Floats) -> Floats:
    """Return vectors [..., dim] of length 1; a vector of zeros stays as it is, and is like nothing."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1), np.float32)


def _worth(ranks: NDArray[np.int64], pool: int, mmr: float) -> Floats:
    """Return what each candidate is worth by its score alone, [n, c]."""
    relevance = (1 - mmr) * (1 - ranks / max(pool - 1, 1))
    behind = -_BEYOND_POOL - ranks / max(ranks.shape[1], 1)
    return np.where(ranks < pool, relevance, behind).astype(np.float32)


def _beyond(
    caps: Sequence[Cap], counts: Sequence[NDArray[np.int64]], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Say which candidates would be one too many of their value, [n, c]."""
    beyond = np.zeros(shape, np.bool_)
    for cap, count in zip(caps, counts, strict=True):
        beyond |= count >= cap.most
    return beyond


def _count(caps: Sequence[Cap], counts: Sequence[NDArray[np.int64]], place: Places) -> None:
    """Count one candidate of each query, or none where its place is -1."""
    for cap, count in zip(caps, counts, strict=True):
        value = np.where(place >= 0, cap.values[np.arange(len(place)), place], -1)[:, None]
        count += (cap.values == value) & (value >= 0)


def _compare(likeness: Floats, vectors: Floats, place: Places) -> None:
    """Raise each candidate's likeness to the nearest of those chosen by the one chosen now."""
    width = vectors.shape[1]
    newest = vectors[np.arange(len(place)), np.minimum(place, width - 1)]
    similar = np.einsum("ncd,nd->nc", vectors, newest)
    reached = (place < width)[:, None]
    np.copyto(likeness[:, :width], np.maximum(likeness[:, :width], similar), where=reached)


def _without_gaps(places: Places) -> Places:
    """Move each row's -1 to its end: a fixed position may lie behind the last candidate."""
    order = np.argsort(places < 0, axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)
