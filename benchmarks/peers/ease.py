"""EASE in closed form, over the most frequent items."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from peers.collaborative import Settings
from peers.counts import Codes, Counts, Recommend
from tfrs_mtl.evaluation.item_sets import ItemSets
from tfrs_mtl.evaluation.retrieval import KS
from tfrs_mtl.evaluation.top_k import masked_top_k

MOST = 6000
"""Its inverse grows with the cube of the items: of a larger catalogue it gets the most frequent."""
EASE: tuple[Settings, ...] = tuple({"regularization": value} for value in (100.0, 500.0, 2000.0, 5000.0))


def ease(counts: Counts, settings: Settings, *, seed: int) -> Recommend:
    """EASE (Steck, WWW 2019): B = I - P / diag(P), P = (X'X + r I)^-1; the seed has no say."""
    met = np.bincount(counts.weighed["once"].indices, minlength=counts.matrix.shape[1])
    kept = np.argsort(-met, kind="stable")[: min(MOST, np.count_nonzero(met))]
    x = counts.weighed["once"][:, kept]
    gram = np.asarray((x.T @ x).todense(), np.float32)
    gram[np.diag_indices(len(kept))] += settings["regularization"]
    inverse = scipy.linalg.inv(gram, overwrite_a=True, check_finite=False)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)

    def recommend(queries: Codes, only_new: bool) -> Codes:
        mine = x[queries]
        owners, items = mine.nonzero()
        barred = ItemSets.from_pairs(owners, items, number=len(queries)) if only_new else None
        places = masked_top_k(np.asarray(mine @ weights), max(KS), excluded=barred)
        return np.where(places >= 0, kept[places], -1)

    return recommend
