"""Which items a request may get: what retrieval is told, and what other sources obey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.dataset.encoders.ragged import floats_of, lengths_of, padded
from tfrs_mtl.dataset.frames import Frame
from tfrs_mtl.dataset.lookup import Lookup
from tfrs_mtl.index import Excluded, kept
from tfrs_mtl.schema import Schema
from tfrs_mtl.spec import Recency


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
    """Return the rows of what each query met, younger than a span, [n, most]; -1 for none.

    Looked for in the histories, which hold the last few, and in the pair views of the item that tell recency,
    which hold more. Ages are of the snapshot, so the span ends up to a cadence of the view late.
    """
    found = [np.empty((len(queries), 0), np.int32)]
    for held, ages in _dated(schema):
        ids, days = queries.columns[held], queries.columns[ages]
        lengths = lengths_of(ids)
        width = int(lengths.max(initial=0))
        rows = keys.find(ids.flatten().cast(keys.values.type)).astype(np.int32)
        young = padded(floats_of(days), lengths_of(days), width, np.inf) < span / timedelta(days=1)
        found.append(np.where(young, padded(rows, lengths, width, -1), np.int32(-1)))
    return np.hstack(found)


def _dated(schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield the query's lists of items that have ages in days beside them: names of both.

    The recency of a pair view counts where it is of the same events as a history, or where there is none: of
    what was merely shown, a history of purchases does not say that it was met.
    """
    columns = {
        (view.name, name): measure for view, own in schema.behaviour for name, measure in own.features.items()
    }
    views = {s.name: s.view.name for s in schema.query.service.selections} if schema.query.service else {}
    counted = set[str | None]()
    for feature in schema.query.features:
        if feature.kind == "history" and feature.ages is not None:
            yield feature.name, feature.ages
            counted.add(getattr(columns.get((views[feature.view], feature.column)), "where", None))
    for pair in schema.pairs:
        for feature in pair.features if pair.attribute == schema.item.key.name else ():
            measure = columns[views[pair.view], feature.column]
            if isinstance(measure, Recency) and (not counted or measure.where in counted):
                yield pair.keys, feature.name
