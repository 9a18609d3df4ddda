"""Where values stand among known ones: by a table built once, for few values and for many."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_FEW = 2048


@dataclass(frozen=True)
class Lookup:
    """The places of known values.

    Arrow builds its table anew at each call, which is most of the time where few values are looked up: then
    a dictionary answers, or among integers their sorted list, that is built once.

    Attributes:
        values: the known values, distinct and not null.
    """

    values: pa.Array

    def find(self, wanted: pa.Array) -> NDArray[np.int64]:
        """Return the place of each value of the same type, [n]; -1 for null and for what is not known."""
        if len(wanted) <= _FEW and pa.types.is_integer(self.values.type):
            return self._search(wanted)
        if len(wanted) <= _FEW:
            place = self._places.get
            return np.array([place(value, -1) for value in wanted.to_pylist()], np.int64)
        found = pc.index_in(wanted, value_set=self.values, skip_nulls=True)
        return np.asarray(pc.fill_null(found.cast(pa.int64()), -1).to_numpy(zero_copy_only=False))

    def _search(self, wanted: pa.IntegerArray) -> NDArray[np.int64]:
        values, places = self._sorted
        found = np.full(len(wanted), -1, np.int64)
        if len(values):
            numbers = pc.fill_null(wanted, 0).to_numpy() if wanted.null_count else wanted.to_numpy()
            at = np.minimum(np.searchsorted(values, numbers), len(values) - 1)
            np.copyto(found, places[at], where=values[at] == numbers)
        if wanted.null_count:
            found[wanted.is_null().to_numpy(zero_copy_only=False)] = -1
        return found

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
        """The values in their order, and the place of each."""
        values = self.values.to_numpy()
        places = np.argsort(values, kind="stable")
        return values[places], places

    @cached_property
    def _places(self) -> dict[object, int]:
        return {value: place for place, value in enumerate(self.values.to_pylist())}


@dataclass(frozen=True)
class Codes:
    """A column as numbers: equal values have equal codes.

    Attributes:
        lookup: the column's distinct values.
        of_rows: the place of each row's value among them, -1 for null, int64 [rows].
    """

    lookup: Lookup
    of_rows: NDArray[np.int64]


def code(column: pa.Array) -> Codes:
    """Give each distinct value of a column a code."""
    encoded = column.dictionary_encode()
    codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return Codes(Lookup(encoded.dictionary), np.asarray(codes))
