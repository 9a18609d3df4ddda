"""How items stand at a moment: how popular they are, and what goes with what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.mixing.similar import item_to_item

_HALF_LIVES = (7.0, 28.0)
_MICROSECONDS_A_DAY = 86_400_000_000
_FILE = "standing.npz"


@dataclass(frozen=True)
class Standing:
    """What all interactions before a moment say of the items, in the order of their codes.

    Attributes:
        popularity: log(1 + count) with the half-lives of 7 and 28 days and with none, and log(1 + queries),
            float32 [items, 4].
        similar: CSR [items, items]; see ``item_to_item``.
    """

    popularity: NDArray[np.float32]
    similar: Any

    @cached_property
    def popular(self) -> NDArray[np.int32]:
        """Rows of the items, those that are most popular of late first, [items]."""
        return np.argsort(-self.popularity[:, 0], kind="stable").astype(np.int32)

    def take(self, rows: NDArray[np.int64]) -> Standing:
        """Return how some of the items stand, in the order of the rows."""
        return Standing(self.popularity[rows], self.similar[rows][:, rows])

    def save(self, directory: Path) -> None:
        """Write to one file in a directory."""
        with (directory / _FILE).open("wb") as stream:
            np.savez(
                stream,
                popularity=self.popularity,
                values=self.similar.data,
                columns=self.similar.indices,
                starts=self.similar.indptr,
            )

    @classmethod
    def load(cls, directory: Path) -> Standing | None:
        """Read what ``save`` wrote; None where there is nothing."""
        if not (directory / _FILE).exists():
            return None
        with np.load(directory / _FILE, allow_pickle=False) as stored:
            popularity = stored["popularity"]
            weights = (stored["values"], stored["columns"], stored["starts"])
            return cls(popularity, sparse.csr_matrix(weights, (len(popularity), len(popularity))))


def standing_at(shop: Shop, at: int) -> Standing:
    """Return how the items known by a moment (microseconds) stand then, by what came strictly before it."""
    known = shop.items.known(at)
    end = int(np.searchsorted(shop.past.times, at))
    queries, items = shop.past.queries[:end], shop.past.items[:end]
    days = (at - shop.past.times[:end]) / _MICROSECONDS_A_DAY
    counts = [np.bincount(items, np.exp2(-days / half), minlength=known)[:known] for half in _HALF_LIVES]
    counts.append(np.bincount(items, minlength=known)[:known])
    pairs = np.unique(queries * np.int64(max(known, 1)) + items)
    counts.append(np.bincount(pairs % max(known, 1), minlength=known)[:known])
    popularity = np.log1p(np.stack(counts, axis=1)).astype(np.float32)
    return Standing(popularity, item_to_item(queries, items, number=known))
