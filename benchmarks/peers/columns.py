"""What the ranking networks are fed, for peers that are no networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.training.prepare import RankingSet

Floats = NDArray[np.float32]


def numbers(rows: RankingSet) -> Floats:
    """Return the dense columns as they are, and how often the item stands in the history, [n, columns]."""
    given = rows.examples.gather(0, rows.examples.size)
    columns = [given[name] for name in sorted(given) if name.endswith("#dense")]
    for name in sorted(given):
        if name.endswith("last_products"):
            hits = (given[name] == given["item#id"][:, None]) & (given[name] > 1)
            columns.append(hits.sum(axis=1, keepdims=True))
    return np.hstack(columns).astype(np.float32)


def ids(rows: RankingSet) -> Floats:
    """Return the categories, as numbers [n, categories]."""
    given = rows.examples.gather(0, rows.examples.size)
    columns = [given[name] for name in sorted(given) if given[name].ndim == 1]
    return np.stack(columns, axis=1).astype(np.float32)


def known(rows: RankingSet, task: str) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the labels of a task [n], and where they are known."""
    labels = rows.rows.labels[task]
    return labels, np.isfinite(labels)
