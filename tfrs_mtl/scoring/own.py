"""What a query met before, as candidates beside those of the towers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.dataset.encoders.ragged import lengths_of, padded
from tfrs_mtl.dataset.frames import Frame
from tfrs_mtl.dataset.lookup import Lookup
from tfrs_mtl.index import Excluded
from tfrs_mtl.schema import Schema


def own_items(schema: Schema, queries: Frame, keys: Lookup) -> NDArray[np.int32]:
    """Return the rows of the items in each query's history and item-keyed pair views, [n, most], or -1.

    Args:
        keys: join keys of the snapshot's items.
    """
    names = [feature.name for feature in schema.query.features if feature.kind == "history"]
    names += [pair.keys for pair in schema.pairs if pair.attribute == schema.item.key.name]
    found = []
    for name in names:
        column = queries.columns[name]
        flat = keys.find(column.flatten().cast(keys.values.type)).astype(np.int32)
        lengths = lengths_of(column)
        found.append(padded(flat, lengths, int(lengths.max(initial=0)), -1))
    return np.hstack(found) if found else np.empty((len(queries), 0), np.int32)


def without(
    own: NDArray[np.int32], found: NDArray[np.int32], excluded: Excluded | None, items: int
) -> NDArray[np.int32]:
    """Blank the rows of ``own`` that come again, are in ``found`` already, or are excluded."""
    owners = np.arange(len(own), dtype=np.int64)[:, None] * items
    codes = np.where(own >= 0, owners + own, -1)
    barred = [(owners + found)[found >= 0]]
    if excluded is not None:
        barred.append(np.repeat(owners[:, 0], np.diff(excluded.indptr)) + excluded.rows)
    first = np.zeros(codes.size, bool)
    first[np.unique(codes, return_index=True)[1]] = True
    kept = first.reshape(codes.shape) & (codes >= 0) & ~np.isin(codes, np.concatenate(barred))
    return np.where(kept, own, -1).astype(np.int32)
