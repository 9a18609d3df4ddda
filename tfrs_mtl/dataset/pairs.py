"""Looking up a pair view: the query's parallel arrays at the candidate's value of an attribute."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.encoders.ragged import cast, floats_of, lengths_of
from tfrs_mtl.dataset.lookup import Lookup


class PairKeys:
    """The keys of many queries' arrays, ready to be searched by exact value (never by vocabulary id).

    Args:
        keys: list array of the attribute's values, one list a query, [queries]; null counts as empty.
        known: the values that will be searched for; others need not be told apart.
    """

    def __init__(self, keys: pa.ListArray, known: Lookup) -> None:
        lengths = lengths_of(keys)
        self._starts = np.cumsum(lengths) - lengths
        self._width = len(known.values) + 1
        codes = known.find(cast(keys.flatten(), known.values.type))
        composite = np.repeat(np.arange(len(keys), dtype=np.int64), lengths) * self._width + codes
        composite[codes < 0] = -1
        self._order = np.argsort(composite, kind="stable")
        self._sorted = composite[self._order]

    def find(self, queries: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return at which place of its query's arrays each (query row, code) stands, else -1, [n].

        Args:
            codes: places among the known values; -1 is found nowhere.
        """
        if not len(self._sorted):
            return np.full(len(codes), -1, np.int64)
        composite = queries.astype(np.int64) * self._width + codes
        at = np.minimum(np.searchsorted(self._sorted, composite), len(self._sorted) - 1)
        found = (self._sorted[at] == composite) & (codes >= 0)
        return np.where(found, self._order[at] - self._starts[queries], -1)


def take_at(
    lists: Mapping[str, pa.ListArray], queries: NDArray[np.int64], places: NDArray[np.int64]
) -> dict[str, NDArray[np.float32]]:
    """Return of each list column the query's value at its place from ``PairKeys.find``, name -> [n].

    NaN for -1, and past the end of a list.
    """
    found, lengths = {}, np.empty(0, np.int64)
    for name, values in lists.items():
        flat, own = floats_of(values), lengths_of(values)
        if not len(flat):
            found[name] = np.full(len(places), np.nan, np.float32)
            continue
        if not np.array_equal(own, lengths):  # parallel arrays have all the same
            lengths = own
            is_held = (places >= 0) & (places < lengths[queries])
            positions = np.where(is_held, (np.cumsum(lengths) - lengths)[queries] + places, 0)
        found[name] = np.where(is_held, flat[positions], np.float32(np.nan))
    return found
