"""What a query met before, as candidates beside those of the towers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.dataset.encoders.ragged import cast, lengths_of, padded
from tfrs_mtl.dataset.frames import Frame
from tfrs_mtl.dataset.lookup import Lookup
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
        flat = keys.find(cast(column.flatten(), keys.values.type)).astype(np.int32)
        lengths = lengths_of(column)
        found.append(padded(flat, lengths, int(lengths.max(initial=0)), -1))
    return np.hstack(found) if found else np.empty((len(queries), 0), np.int32)
