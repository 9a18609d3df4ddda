"""Live item features: read anew for the items of an answer, and what may come by the values of now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from serving.answer import Degraded
from serving.request import Limits, Request, allowed_among
from serving.state import State, filter_masks
from tfrs_mtl.dataset.frames import Frame, flat
from tfrs_mtl.spec import ItemFilter

ReadItems = Callable[[pa.Array], pa.Table | None]
"""Join keys of items -> their live features, full names; None where they cannot be read in time."""

SPARE = 20
"""So many items more than asked for are read, to take the places of those that may come no longer."""


@dataclass(frozen=True)
class Fresh:
    """Items as they are now.

    Attributes:
        rows: rows of the snapshot, ascending, [m].
        columns: full name of a live feature -> [m]; empty where they could not be read in time.
    """

    rows: NDArray[np.int32]
    columns: Mapping[str, pa.Array]

    @property
    def degraded(self) -> tuple[Degraded, ...]:
        """Say so where they could not be read."""
        return () if self.columns else ("live_features_unavailable",)

    def shown(self, name: str, rows: NDArray[np.int32], old: pa.Array) -> pa.Array:
        """Return a feature of some of the rows, [n]: fresh, or ``old`` where it is not live."""
        if name not in self.columns:
            return old
        return self.columns[name].take(pa.array(np.searchsorted(self.rows, rows)))


def read_fresh(state: State, rows: NDArray[np.int32], read: ReadItems) -> Fresh:
    """Read the live features of rows of any shape; there are no columns where that fails."""
    wanted = np.unique(rows[rows >= 0]).astype(np.int32)
    if not len(wanted):
        return Fresh(wanted, {name: state.items.frame.columns[name].slice(0, 0) for name in state.live})
    found: pa.Table | None = read(state.items.keys.take(pa.array(wanted)))
    return Fresh(wanted, {} if found is None else {name: flat(found.column(name)) for name in state.live})


def limits_now(state: State, request: Request, limits: Limits, fresh: Fresh) -> Limits:
    """Return the limits with the filters held against the fresh values."""
    if not fresh.columns:
        return limits
    index = pa.array(fresh.rows)
    columns = {name: column.take(index) for name, column in state.items.frame.columns.items()}
    frame = Frame({**columns, **fresh.columns}, state.items.frame.times[fresh.rows])
    masks = {name: mask[fresh.rows] for name, mask in state.masks.items()}
    masks |= filter_masks(state.schema, frame, _touched(state))
    now = allowed_among(state, frame, masks, request.filters)
    if now is None:
        return limits
    allowed = np.ones(state.size, np.bool_) if limits.allowed is None else limits.allowed.copy()
    allowed[fresh.rows] = now
    return Limits(allowed, limits.excluded)


def _touched(state: State) -> dict[str, ItemFilter]:
    """Return the spec's filters that may read a live feature: a column that SQL reads, it names."""
    columns = [state.schema.item.feature(name).column.lower() for name in state.live]
    return {
        name: given
        for name, given in state.settings.filters.items()
        if any(column in given.where.lower() for column in columns)
    }
