"""Recall, NDCG, MRR, hit rate and coverage of ranked lists, for all queries at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tfrs_mtl.evaluation.arrays import Codes, Floats, Integers, Mask
from tfrs_mtl.evaluation.item_sets import ItemSets


@dataclass(frozen=True)
class RetrievalMetrics:
    """The quality of one contender's lists.

    Attributes:
        queries: ``[evaluated]`` rows of the queries that have relevant items; only these count in the means.
        left_out: number of queries without a relevant item: nothing can be recalled for them.
        per_query: metric (say ``ndcg@10``) -> ``[evaluated]`` values in [0, 1], in the order of ``queries``.
        coverage: ``coverage@k`` -> share of the catalogue in any query's first k, those of left-out queries
            too.
    """

    queries: Integers
    left_out: int
    per_query: Mapping[str, Floats]
    coverage: Mapping[str, float]

    def means(self) -> dict[str, float]:
        """Return metric -> mean over the evaluated queries (NaN when there is none), then the coverage."""
        means = {name: float(v.mean()) if len(v) else float("nan") for name, v in self.per_query.items()}
        return means | dict(self.coverage)


def retrieval_metrics(
    recommended: Codes, relevant: ItemSets, *, ks: Sequence[int], catalogue: int
) -> RetrievalMetrics:
    """Compare ranked lists with what was relevant.

    ``recall@k`` is hits / number of relevant items, so it stays below 1 when a query has more than k.
    ``ndcg@k`` has binary gains and the discount 1 / log2(rank + 1) (Jarvelin and Kekalainen 2002), against
    the best list of length k. ``mrr@k`` is 1 / rank of the first hit, 0 without one. An item named twice in
    a list counts once, at its better rank. A list shorter than k is taken as filled up with misses.

    Args:
        recommended: ``[queries, width]`` item codes, best first; -1 for no item.
        relevant: the relevant items of the same queries.
        ks: the list lengths to cut at, each 1 or more.
        catalogue: number of items that could have been recommended.

    Raises:
        ValueError: if the two disagree in the number of queries, or a k or the catalogue is below 1.
    """
    if recommended.ndim != 2 or len(recommended) != len(relevant):
        raise ValueError(f"expected lists [{len(relevant)}, width], got the shape {list(recommended.shape)}")
    if min(ks, default=0) < 1 or catalogue < 1:
        raise ValueError(
            f"expected every k and the catalogue to be 1 or more, got {list(ks)} and {catalogue}"
        )
    relevant = ItemSets.from_pairs(relevant.owners(), relevant.codes, number=len(relevant))
    sizes = relevant.sizes()
    evaluated = np.flatnonzero(sizes)
    hits = _hits(recommended, relevant)[evaluated]
    per_query = {
        f"{name}@{k}": metric(hits[:, :k], sizes[evaluated], k)
        for name, metric in _METRICS.items()
        for k in ks
    }
    coverage = {f"coverage@{k}": _coverage(recommended[:, :k], catalogue) for k in ks}
    return RetrievalMetrics(evaluated, len(relevant) - len(evaluated), per_query, coverage)


def _hits(recommended: Codes, relevant: ItemSets) -> Mask:
    """Mark the relevant items of each list, ``[queries, width]``, a repeated one at its first place only."""
    order = np.argsort(recommended, axis=1, kind="stable")
    ordered = np.take_along_axis(recommended, order, axis=1)
    first = np.ones(recommended.shape, dtype=np.bool_)
    np.put_along_axis(first, order[:, 1:], ordered[:, 1:] != ordered[:, :-1], axis=1)
    rows = np.arange(len(recommended))[:, None]
    return relevant.contains(rows, recommended) & first


def _recall(hits: Mask, sizes: Integers, k: int) -> Floats:
    return np.asarray(hits.sum(axis=1) / sizes, dtype=np.float64)


def _ndcg(hits: Mask, sizes: Integers, k: int) -> Floats:
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    best = np.cumsum(discount)[np.minimum(sizes, k) - 1]
    return np.asarray(hits @ discount[: hits.shape[1]] / best, dtype=np.float64)


def _mrr(hits: Mask, sizes: Integers, k: int) -> Floats:
    reciprocal = 1.0 / np.arange(1, hits.shape[1] + 1)
    return np.asarray((hits * reciprocal).max(axis=1, initial=0.0))


def _hit_rate(hits: Mask, sizes: Integers, k: int) -> Floats:
    return np.asarray(hits.any(axis=1), dtype=np.float64)


def _coverage(recommended: Codes, catalogue: int) -> float:
    return int(np.count_nonzero(np.unique(recommended) >= 0)) / catalogue


_METRICS: dict[str, Callable[[Mask, Integers, int], Floats]] = {
    "recall": _recall,
    "ndcg": _ndcg,
    "mrr": _mrr,
    "hit_rate": _hit_rate,
}
