"""Which items a request may get: what retrieval is told, and what other sources obey."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.dataset.encoders.ragged import floats_of, lengths_of, padded
from tfrs_mtl.dataset.frames import Frame
from tfrs_mtl.dataset.lookup import Lookup
from tfrs_mtl.index import Excluded, kept
from tfrs_mtl.schema import Schema


@dataclass(frozen=True)
class Limits:
    """What may come.

    Attributes:
        allowed: true where an item may come to any query, [items]; None where all may.
        excluded: rows that must not come to one query.
    """

    allowed: NDArray[np.bool_] | None = None
    excluded: Excluded | None = None

    def kept(self, rows: NDArray[np.int32], items: int) -> NDArray[np.int32]:
        """Blank with -1 the rows [n, c] that may not come."""
        return kept(rows, items, allowed=self.allowed, excluded=self.excluded)


def excluding(rows: NDArray[np.int32]) -> Excluded | None:
    """Return rows [n, c] that must not come to each query, -1 for none, as an index takes them."""
    held = rows >= 0
    if not held.any():
        return None
    return Excluded(np.concatenate([[0], np.cumsum(held.sum(axis=1))]), rows[held])


def met_within(schema: Schema, queries: Frame, keys: Lookup, span: timedelta) -> NDArray[np.int32]:
    """Return the rows of what each query's histories hold, younger than a span, [n, most]; -1 for none.

    Ages are those of the query's snapshot, so the span ends up to a cadence of the history's view late.
    """
    found = [np.empty((len(queries), 0), np.int32)]
    for feature in schema.query.features:
        if feature.kind == "history" and feature.ages is not None:
            ids, ages = queries.columns[feature.name], queries.columns[feature.ages]
            lengths = lengths_of(ids)
            width = int(lengths.max(initial=0))
            rows = keys.find(ids.flatten().cast(keys.values.type)).astype(np.int32)
            days = padded(floats_of(ages), lengths_of(ages), width, np.inf)
            young = days < span / timedelta(days=1)
            found.append(np.where(young, padded(rows, lengths, width, -1), np.int32(-1)))
    return np.hstack(found)
