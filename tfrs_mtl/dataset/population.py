"""Who and what exists, and since when: the queries and the items known at a moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfrs_mtl.dataset.interactions import Interactions
from tfrs_mtl.schema import Schema, Side
from tfrs_mtl.store import TIMESTAMP, FeatureRepo


@dataclass(frozen=True)
class Population:
    """All entities of one side, in the order in which they became known.

    An entity is known from the first row of any view of its service, or from its first interaction.
    An entity's code is its position here.

    Attributes:
        keys: join keys, [n], distinct.
        since: int64 microseconds since the Unix epoch of the first mention, [n], ascending.
    """

    keys: pa.Array
    since: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.since)

    def codes(self, keys: pa.Array) -> NDArray[np.int64]:
        """Return the code of each key, -1 for keys that are not here."""
        found = pc.index_in(keys, value_set=self.keys)
        return np.asarray(pc.fill_null(found.cast(pa.int64()), -1).to_numpy(zero_copy_only=False))

    def known(self, at: int) -> int:
        """Return how many entities are known at a moment: those with codes below it (inclusive in time)."""
        return int(np.searchsorted(self.since, at, side="right"))


def read_population(repo: FeatureRepo, schema: Schema, side: Side, interactions: Interactions) -> Population:
    """Collect a side's entities from its service's views and from the interactions.

    Behaviour views are left out: whoever is in them is in the interactions, at an earlier time.
    """
    met = interactions.queries if side is schema.query else interactions.items
    tables = [pa.table({"key": met, "since": interactions.times})]
    declared = {view.name for view, _ in schema.behaviour}
    for selection in side.service.selections if side.service else ():
        if selection.view.name in declared:
            continue
        column = selection.view.keys[0]
        rows = repo.rows(selection.view, [column])
        since = rows.column(TIMESTAMP).cast(pa.int64())
        tables.append(pa.table({"key": rows.column(column.name), "since": since}))
    everyone = pa.concat_tables(tables, promote_options="permissive").drop_null()
    first = everyone.group_by("key").aggregate([("since", "min")])
    ordered = first.sort_by([("since_min", "ascending"), ("key", "ascending")]).combine_chunks()
    return Population(
        ordered.column("key").combine_chunks(), ordered.column("since_min").to_numpy().astype(np.int64)
    )
