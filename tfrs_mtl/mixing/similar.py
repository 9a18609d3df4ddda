"""Item to item: which items are met by those who met another, with what both owe to a third taken out."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sparse
from numpy.typing import NDArray

MOST = 6000
"""The cost of the weights grows with the cube of the items: so many of the most frequent get some."""
NEIGHBOURS = 200
_PRIOR = 20.0  # as a share of the mean number of queries an item; 10 to 40 are alike on what we measured

Ints = NDArray[np.int64]


def item_to_item(queries: Ints, items: Ints, *, number: int, most: int = MOST) -> Any:
    """Return the weights of EASE (Steck, WWW 2019), a scipy CSR matrix [number, number] float32.

    B = I - P diag(P)^-1 with P = (X'X + r I)^-1 and X the binary matrix of who met what; a row of X times B
    scores every item. Of each item the largest weights are kept, and items that are not among the most
    frequent have none.

    Args:
        queries, items: codes of the interactions, [n].
        number: how many items there are.
        most: how many of them may have weights.
    """
    shape = (int(queries.max(initial=-1)) + 1, number)
    met = sparse.coo_matrix((np.ones(len(items), np.float32), (queries, items)), shape).tocsr()
    met.data[:] = 1
    by_item = np.bincount(met.indices, minlength=number)
    kept = np.argsort(-by_item, kind="stable")[: min(most, np.count_nonzero(by_item))]
    if not len(kept):
        return sparse.csr_matrix((number, number), dtype=np.float32)
    x = met[:, kept]
    gram = np.asarray((x.T @ x).todense(), np.float32)
    gram[np.diag_indices(len(kept))] += np.float32(_PRIOR * by_item[kept].mean())
    inverse = scipy.linalg.inv(gram, overwrite_a=True, check_finite=False)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return _largest(weights.astype(np.float32), kept, number)


def _largest(weights: NDArray[np.float32], kept: NDArray[np.intp], number: int) -> Any:
    """Keep the largest weights of each row, under the items' own codes."""
    width = min(NEIGHBOURS, len(weights))
    best = np.argpartition(-np.abs(weights), width - 1, axis=1)[:, :width]
    values = np.take_along_axis(weights, best, axis=1).ravel()
    rows, columns = np.repeat(kept, width), kept[best].ravel()
    return sparse.coo_matrix((values, (rows, columns)), (number, number)).tocsr()
