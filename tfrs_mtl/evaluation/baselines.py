"""What a model must beat: the most popular items, and each query's own past.

Both look at no more than the events they are given: the caller cuts them at the moment of the recommendation.
"""

from __future__ import annotations

import numpy as np

from tfrs_mtl.evaluation.arrays import Codes, Integers, Numbers
from tfrs_mtl.evaluation.item_sets import ItemSets
from tfrs_mtl.evaluation.top_k import first_allowed, take_first


def popularity(
    items: Codes,
    *,
    queries: int,
    k: int,
    ages: Numbers | None = None,
    half_life: float | None = None,
    excluded: ItemSets | None = None,
) -> Integers:
    """Recommend the most frequent items to everyone, ``[queries, k]``; -1 where fewer are known.

    Equal counts go to the lower code. Items without an event are not recommended.

    Args:
        items: ``[events]`` item codes, -1 (unknown) is passed over.
        queries: number of lists.
        k: length of the lists.
        ages: ``[events]`` days before the moment; needed with ``half_life`` alone.
        half_life: days in which an event's weight halves; None counts all alike.
        excluded: items a query must not get: those seen, for the protocol of new items.
    """
    order = popular_order(items, ages=ages, half_life=half_life)
    if excluded is None:
        excluded = ItemSets(np.zeros(queries + 1, dtype=np.int64), np.zeros(0, dtype=np.int64))
    return first_allowed(order, k, excluded=excluded)


def popular_order(items: Codes, *, ages: Numbers | None = None, half_life: float | None = None) -> Integers:
    """Return every item that has an event, most popular first, ``[items]``; see :func:`popularity`.

    Raises:
        ValueError: if a half-life comes without ages, or is not positive.
    """
    known = items >= 0
    weights = None
    if half_life is not None:
        if ages is None or half_life <= 0:
            raise ValueError(
                f"expected ages and a positive half_life, got half_life={half_life}, ages={ages}"
            )
        weights = np.exp2(-np.asarray(ages, dtype=np.float64)[known] / half_life)
    counts = np.bincount(items[known])
    scores = counts if weights is None else np.bincount(items[known], weights=weights)
    order = np.argsort(-scores, kind="stable")
    return order[counts[order] > 0]


def own_history(
    query_codes: Codes,
    item_codes: Codes,
    ages: Numbers,
    *,
    queries: int,
    k: int,
    excluded: ItemSets | None = None,
) -> Integers:
    """Recommend each query's own items, ``[queries, k]``: by frequency, then recency, then lower code.

    Lists that are too short are filled up with the most popular items that they lack.

    Args:
        query_codes: ``[events]``, each in ``[0, queries)``.
        item_codes: ``[events]``, -1 (unknown) is passed over.
        ages: ``[events]`` days before the moment; smaller is more recent.
        queries: number of lists.
        k: length of the lists.
        excluded: items a query must not get.
    """
    usable = item_codes >= 0
    if excluded is not None:
        usable &= ~excluded.contains(query_codes, item_codes)
    own = _own_lists(query_codes[usable], item_codes[usable], np.asarray(ages)[usable], queries=queries, k=k)
    rows = np.broadcast_to(np.arange(queries)[:, None], own.shape)
    listed = ItemSets.from_pairs(rows.ravel(), own.ravel(), number=queries)
    barred = listed if excluded is None else listed.union(excluded)
    filling = first_allowed(popular_order(item_codes), k, excluded=barred)
    both = np.concatenate([own, filling], axis=1)
    return take_first(both, both >= 0, k)


def _own_lists(query_codes: Codes, item_codes: Codes, ages: Numbers, *, queries: int, k: int) -> Integers:
    stride = int(item_codes.max(initial=0)) + 1
    keys = query_codes.astype(np.int64) * stride + item_codes
    pairs, pair_of_event, counts = np.unique(keys, return_inverse=True, return_counts=True)
    youngest = np.full(len(pairs), np.inf)
    np.minimum.at(youngest, pair_of_event, ages)
    owners, items = np.divmod(pairs, stride)
    order = np.lexsort((items, youngest, -counts, owners))
    owners, items = owners[order], items[order]
    place = np.arange(len(owners)) - np.searchsorted(owners, owners)
    listed = place < k
    lists = np.full((queries, k), -1, dtype=np.int64)
    lists[owners[listed], place[listed]] = items[listed]
    return lists
