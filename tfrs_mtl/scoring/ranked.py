"""The best items of each query, ordered and laid under each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.scoring.objective import Floats


@dataclass(frozen=True)
class Ranked:
    """The best k items of each query, best first.

    Attributes:
        rows: int32 [queries, k], rows of the item snapshot, -1 where there are fewer than k.
        scores: float32 [queries, k], the objective; -inf where ``rows`` is -1.
        predictions: task -> float32 [queries, k]: probability, or value in the label's units; under
            ``when`` the conditional one. NaN where ``rows`` is -1.
    """

    rows: NDArray[np.int32]
    scores: Floats
    predictions: Mapping[str, Floats]


def best_of(
    candidates: NDArray[np.int32], score: Floats, predictions: Mapping[str, Floats], k: int
) -> Ranked:
    """Order each query's candidates by score (ties by row number) and keep k."""
    held = candidates >= 0
    scores = np.full(candidates.shape, -np.inf, np.float32)
    scores[held] = score
    order = np.lexsort((candidates, -scores), axis=1)[:, :k]
    spread = {name: np.full(candidates.shape, np.nan, np.float32) for name in predictions}
    for name, values in predictions.items():
        spread[name][held] = values
    take = np.take_along_axis
    return Ranked(
        take(candidates, order, 1), take(scores, order, 1), {n: take(v, order, 1) for n, v in spread.items()}
    )


def joined(parts: list[Ranked], k: int, tasks: list[str]) -> Ranked:
    """Lay the blocks under each other and pad them to k columns."""

    def whole(arrays: list[NDArray[np.generic]], fill: float, dtype: type) -> NDArray[np.generic]:
        joined = np.concatenate(arrays) if arrays else np.empty((0, k), dtype)
        short = k - joined.shape[1]
        return np.pad(joined, ((0, 0), (0, short)), constant_values=fill) if short else joined

    return Ranked(
        whole([p.rows for p in parts], -1, np.int32).astype(np.int32),
        whole([p.scores for p in parts], -np.inf, np.float32).astype(np.float32),
        {t: whole([p.predictions[t] for p in parts], np.nan, np.float32).astype(np.float32) for t in tasks},
    )
