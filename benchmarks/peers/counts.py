"""The interactions before a moment as a matrix, and lists out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.evaluation.baselines import popular_order
from tfrs_mtl.evaluation.item_sets import ItemSets
from tfrs_mtl.evaluation.retrieval import KS, Contender
from tfrs_mtl.evaluation.top_k import first_allowed, take_first
from tfrs_mtl.evaluation.truth import Truth

Codes = NDArray[np.int64]
Recommend = Callable[[Codes, bool], Codes]
"""Query codes [n], and whether what they met is left out -> items [n, any], -1 for none."""


@dataclass(frozen=True)
class Counts:
    """How often each query met each item before a moment.

    Attributes:
        matrix: [queries, items] float32; items and queries by code.
        items: the item of each interaction.
    """

    matrix: sparse.csr_matrix
    items: Codes

    @cached_property
    def weighed(self) -> dict[str, sparse.csr_matrix]:
        """The matrix under each way of weighing a count."""
        return {
            "count": self.matrix,
            "once": _with(self.matrix, np.sign),
            "log": _with(self.matrix, np.log1p),
        }


def _with(matrix: sparse.csr_matrix, function: Callable[..., NDArray[np.float32]]) -> sparse.csr_matrix:
    changed = matrix.copy()
    changed.data = function(changed.data)
    return changed


def counts_before(shop: Shop, at: int) -> Counts:
    """Count a shop's positives before a moment (microseconds)."""
    end = int(np.searchsorted(shop.past.times, at))
    queries, items = shop.past.queries[:end], shop.past.items[:end]
    pairs = (np.ones(end, np.float32), (queries, items))
    shape = (len(shop.queries), len(shop.items))
    return Counts(sparse.coo_matrix(pairs, shape).tocsr(), items)


def contender(counts: Counts, recommend: Recommend) -> Contender:
    """Return a peer's lists for a truth, filled up with what is popular where they are short."""
    popular = popular_order(counts.items)

    def lists(truth: Truth, excluded: ItemSets | None) -> Codes:
        found = recommend(truth.queries, excluded is not None)
        strangers = np.diff(counts.matrix.indptr)[truth.queries] == 0
        found = np.where(strangers[:, None], -1, found).astype(np.int64)
        barred = (
            truth.seen
            if excluded is not None
            else ItemSets.from_pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), number=len(truth.queries))
        )
        rows = np.broadcast_to(np.arange(len(found))[:, None], found.shape)
        listed = ItemSets.from_pairs(rows.ravel(), found.ravel(), number=len(found))
        filling = first_allowed(popular, max(KS), excluded=barred.union(listed))
        both = np.hstack([found, filling])
        return take_first(both, both >= 0, max(KS))

    return lists
