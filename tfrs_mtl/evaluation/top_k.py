"""The first k items of a score matrix or of one shared order, less each query's excluded items."""

from __future__ import annotations

import numpy as np

from tfrs_mtl.evaluation.arrays import Codes, Integers, Mask, Numbers
from tfrs_mtl.evaluation.item_sets import ItemSets

_CELLS = 1 << 22  # cells worked on at once: bounds the memory to some tens of MiB


def masked_top_k(scores: Numbers, k: int, *, excluded: ItemSets | None = None) -> Integers:
    """Return the k items of highest score for each query, ``[queries, k]``, best first.

    Equal scores go to the lower code, so the answer depends on nothing but the scores. Excluded items, and
    scores of -inf or NaN, are never returned; missing places hold -1. The matrix is copied: pass a large one
    in blocks.

    Args:
        scores: ``[queries, items]``, higher is better.
        k: length of the lists; it may exceed the number of items.
        excluded: items that a query must not get.
    """
    masked = np.where(np.isnan(scores), -np.inf, scores)
    if excluded is not None:
        inside = excluded.codes < scores.shape[1]
        masked[excluded.owners()[inside], excluded.codes[inside]] = -np.inf
    width = min(k, scores.shape[1])
    if not width:
        return np.full((len(scores), k), -1, dtype=np.int64)
    codes = np.nonzero(_exactly_best(masked, width))[1].reshape(len(scores), width)
    found = np.take_along_axis(masked, codes, axis=1)
    order = np.argsort(-found, axis=1, kind="stable")
    ranked = np.where(np.isneginf(found), -1, codes)
    result = np.full((len(scores), k), -1, dtype=np.int64)
    result[:, :width] = np.take_along_axis(ranked, order, axis=1)
    return result


def _exactly_best(scores: Numbers, width: int) -> Mask:
    """Mark exactly ``width`` cells a row: all above the width-th score, then its ties from the left."""
    threshold = np.partition(scores, scores.shape[1] - width, axis=1)[:, -width, None]
    best: Mask = scores >= threshold
    for row in np.flatnonzero(best.sum(axis=1) > width):  # only where ties reach over the last place
        tied = np.flatnonzero(scores[row] == threshold[row])
        best[row, tied[len(tied) - (int(best[row].sum()) - width) :]] = False
    return best


def first_allowed(order: Codes, k: int, *, excluded: ItemSets) -> Integers:
    """Return for each query the first k items of one shared order that it does not exclude, ``[queries, k]``.

    Args:
        order: ``[items]`` distinct item codes, best first.
        k: length of the lists; missing places hold -1.
        excluded: one set a query, empty sets where nothing is excluded.
    """
    width = min(len(order), k + int(excluded.sizes().max(initial=0)))
    rank = np.full(max(order.max(initial=0), excluded.codes.max(initial=0)) + 1, width, dtype=np.int64)
    rank[order[:width]] = np.arange(width)
    result = np.full((len(excluded), k), -1, dtype=np.int64)
    step = max(1, _CELLS // max(1, width))
    for start in range(0, len(excluded), step):
        stop = min(start + step, len(excluded))
        entries = slice(int(excluded.indptr[start]), int(excluded.indptr[stop]))
        # One more column takes the excluded items that stand behind the first `width`.
        allowed = np.ones((stop - start, width + 1), dtype=np.bool_)
        allowed[excluded.owners()[entries] - start, rank[excluded.codes[entries]]] = False
        result[start:stop] = take_first(order[None, :width], allowed[:, :width], k)
    return result


def take_first(codes: Codes, allowed: Mask, k: int) -> Integers:
    """Move the first k allowed codes of each row to the left, ``[rows, k]``, and fill up with -1.

    Args:
        codes: ``[rows, width]``, or ``[1, width]`` for all rows.
        allowed: ``[rows, width]``.
        k: length of the result's rows.
    """
    place = np.cumsum(allowed, axis=1, dtype=np.int32)
    rows, columns = np.nonzero(allowed & (place <= k))
    result = np.full((len(allowed), k), -1, dtype=np.int64)
    result[rows, place[rows, columns] - 1] = np.broadcast_to(codes, allowed.shape)[rows, columns]
    return result
