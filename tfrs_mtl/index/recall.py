"""How much of the exact answer an index finds."""

from __future__ import annotations

import numpy as np

from tfrs_mtl.index.protocol import Index, Vectors


def recall_at(index: Index, exact: Index, queries: Vectors, k: int) -> float:
    """Return the share of the exact best ``k`` of each query that an index finds; NaN of no queries."""
    found, true = index.search(queries, k).rows, exact.search(queries, k).rows
    hits = [np.isin(wanted[wanted >= 0], got).mean() for got, wanted in zip(found, true, strict=True)]
    return float(np.mean(hits)) if hits else float("nan")
