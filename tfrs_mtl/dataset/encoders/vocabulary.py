"""Values to ids: looked up in what the training window held, or hashed where that is too much."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfrs_mtl.dataset.encoders.ragged import cast
from tfrs_mtl.dataset.examples import NULL, UNKNOWN
from tfrs_mtl.dataset.lookup import Lookup

LARGEST = 200_000
"""Above so many values a vocabulary gives way to hashing, unless the spec says otherwise."""
_BINS_PER_VALUE = 1.5
_FIRST = UNKNOWN + 1


@dataclass(frozen=True)
class Vocabulary:
    """Ids of values: 0 null, 1 unknown, then the known ones by falling frequency; or hash bins from 1 on.

    Attributes:
        type: ``int`` or ``string``, the type of the values.
        values: the known values; empty when hashed.
        bins: number of hash bins; 0 when looked up.
    """

    type: Literal["int", "string"]
    values: tuple[int | str, ...]
    bins: int = 0

    @property
    def size(self) -> int:
        """Number of ids, null and unknown included."""
        return self.bins + 1 if self.bins else len(self.values) + 2

    @property
    def arrow_type(self) -> pa.DataType:
        """Arrow type of the values."""
        return pa.int64() if self.type == "int" else pa.string()

    def encode(self, column: pa.Array) -> NDArray[np.int32]:
        """Return the id of each value, int32 [n]."""
        column = cast(as_values(column), self.arrow_type)
        if self.bins:
            hashed = pd.util.hash_array(_filled(column), categorize=False) % np.uint64(self.bins)
            ids = hashed.astype(np.int64) + 1
            return np.where(_valid(column), ids, NULL).astype(np.int32)
        places = self._lookup.find(column)
        ids = np.where(places >= 0, places + _FIRST, UNKNOWN).astype(np.int32)
        if column.null_count:
            ids[~_valid(column)] = NULL
        return ids

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(pa.array(self.values, self.arrow_type))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON form."""
        return {"type": self.type, "values": list(self.values), "bins": self.bins}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Vocabulary:
        """Return what ``to_dict`` wrote."""
        return cls(state["type"], tuple(state["values"]), state["bins"])


def fit_vocabulary(column: pa.Array, *, limit: int | None = None, bins: int | None = None) -> Vocabulary:
    """Learn the values of a column of the training window, the most frequent first.

    Args:
        limit: keep so many at most; the rest are unknown. Without it, and with more than ``LARGEST``
            distinct values, the column is hashed.
        bins: hash into so many bins and learn nothing.
    """
    column = as_values(column).drop_null()
    kind: Literal["int", "string"] = "int" if pa.types.is_integer(column.type) else "string"
    if bins:
        return Vocabulary(kind, (), bins)
    counts = pa.table({"v": column}).group_by("v").aggregate([("v", "count")])
    if limit is None and len(counts) > LARGEST:
        return Vocabulary(kind, (), int(len(counts) * _BINS_PER_VALUE))
    ordered = counts.sort_by([("v_count", "descending"), ("v", "ascending")]).column("v")
    return Vocabulary(kind, tuple(ordered.slice(0, limit).to_pylist()))


def as_values(column: pa.Array) -> pa.Array:
    """Return a flat column as int64 or string, the two types that values have."""
    return cast(column, pa.int64() if pa.types.is_integer(column.type) else pa.string())


def _valid(column: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False))


def _filled(column: pa.Array) -> NDArray[Any]:
    filler: int | str = 0 if pa.types.is_integer(column.type) else ""
    return np.asarray(pc.fill_null(column, filler).to_numpy(zero_copy_only=False))
