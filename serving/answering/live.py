"""Live item features: read anew for the items of an answer, and what may come by the values of now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

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
"""So many items more than asked for are read at first, to take the places of those that may not come now."""


@dataclass(frozen=True)
class Fresh:
    """Items as they are now.

    Attributes:
        rows: rows of the snapshot, ascending, [m].
        columns: full name of a live feature -> [m]; empty where none could be read in time.
        is_whole: whether all that was wanted could be read in time.
    """

    rows: NDArray[np.int32]
    columns: Mapping[str, pa.Array]
    is_whole: bool = True

    @classmethod
    def nothing(cls) -> Fresh:
        """Return what is known before anything is read."""
        return cls(np.empty(0, np.int32), {})

    @property
    def degraded(self) -> tuple[Degraded, ...]:
        """Say so where they could not be read."""
        return () if self.is_whole else ("live_features_unavailable",)

    def shown(self, name: str, rows: NDArray[np.int32], old: pa.Array) -> pa.Array:
        """Return a feature of some of the rows, [n]: fresh, or ``old`` where it is not live."""
        if name not in self.columns:
            return old
        return self.columns[name].take(pa.array(np.searchsorted(self.rows, rows)))


def read_fresh(state: State, rows: NDArray[np.int32], read: ReadItems, *, held: Fresh) -> Fresh:
    """Read the live features of rows of any shape beside those held; where that fails, these stay."""
    wanted = np.setdiff1d(rows[rows >= 0], held.rows).astype(np.int32)
    if not len(wanted):
        return held
    found: pa.Table | None = read(state.items.keys.take(pa.array(wanted)))
    if found is None:
        return replace(held, is_whole=False)
    known = np.concatenate([held.rows, wanted])
    order = np.argsort(known)
    columns = {name: flat(found.column(name)) for name in state.live}
    if held.columns:
        columns = {name: pa.concat_arrays([held.columns[name], new]) for name, new in columns.items()}
    return Fresh(known[order], {name: column.take(pa.array(order)) for name, column in columns.items()})


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
