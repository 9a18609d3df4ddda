"""A set of items for every query, as compressed sparse rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfrs_mtl.evaluation.arrays import Codes, Integers, Mask


@dataclass(frozen=True)
class ItemSets:
    """One set of item codes a query: the relevant items, or those seen before.

    Attributes:
        indptr: ``[queries + 1]``; query ``q`` owns ``codes[indptr[q] : indptr[q + 1]]``.
        codes: ``[total]``, each 0 or more; :meth:`from_pairs` sorts them and drops repeats.
    """

    indptr: Codes
    codes: Codes

    @classmethod
    def from_pairs(cls, queries: Codes, items: Codes, *, number: int) -> ItemSets:
        """Gather ``(query, item)`` pairs, both ``[pairs]``, into the sets of ``number`` queries.

        Repeats count once; a pair with the item -1 (no item) is dropped.

        Raises:
            ValueError: if a query code is not in ``[0, number)``.
        """
        if len(queries) and not 0 <= queries.min() <= queries.max() < number:
            raise ValueError(f"expected query codes in [0, {number}), got {queries.min()} to {queries.max()}")
        known = items >= 0
        stride = int(items.max(initial=0)) + 1
        keys = np.unique(queries[known].astype(np.int64) * stride + items[known])
        owners, codes = np.divmod(keys, stride)
        return cls(_pointers(owners, number), codes)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def sizes(self) -> Integers:
        """Return the number of entries a query, ``[queries]``."""
        return np.diff(self.indptr).astype(np.int64)

    def owners(self) -> Integers:
        """Return the query of each entry of ``codes``, ``[total]``."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.sizes())

    def contains(self, queries: Codes, items: Codes) -> Mask:
        """Say of each pair whether the item is in the query's set; both broadcast, no item (-1) never is."""
        stride = int(self.codes.max(initial=0)) + 1
        keys = np.sort(self.owners() * stride + self.codes)
        if not len(keys):
            return np.zeros(np.broadcast_shapes(queries.shape, items.shape), dtype=np.bool_)
        wanted = queries.astype(np.int64) * stride + items
        position = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found: Mask = (keys[position] == wanted) & (items >= 0) & (items < stride)
        return found

    def union(self, other: ItemSets) -> ItemSets:
        """Return, for each query, the items of either set."""
        queries = np.concatenate([self.owners(), other.owners()])
        return ItemSets.from_pairs(queries, np.concatenate([self.codes, other.codes]), number=len(self))


def _pointers(owners: Codes, number: int) -> Integers:
    return np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=number))]).astype(np.int64)
