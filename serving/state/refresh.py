"""The item snapshot anew, from what Feast serves at a moment."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa

from serving.state.state import State
from tfrs_mtl.dataset.frames import ITEM_ID, Frame, to_frame
from tfrs_mtl.dataset.interactions import microseconds
from tfrs_mtl.dataset.point_in_time import empty_features
from tfrs_mtl.scoring import to_snapshot

_KEYS_A_READ = 2000  # a larger read holds the store, and the interpreter, too long at a time


def refreshed(state: State, at: datetime) -> State:
    """Read the bundle's items online as of a moment, encode and index them.

    Raises:
        StoreError: the online store cannot be read.
    """
    frame = read_items(state, state.items.keys, at)
    return state.with_items(to_snapshot(state.contents.models, frame), at)


def read_items(state: State, keys: pa.Array, at: datetime) -> Frame:
    """Return items' features as the online store has them at a moment.

    Raises:
        StoreError: the online store cannot be read.
    """
    times = np.full(len(keys), microseconds(at), np.int64)
    return to_frame(ITEM_ID, keys, _read(state, keys, at), times)


def _read(state: State, keys: pa.Array, at: datetime) -> pa.Table:
    side = state.schema.item
    if side.service is None or not side.fetched or not len(keys):
        return empty_features(side, len(keys))
    blocks = [
        state.project.repo.online(side, keys.slice(start, _KEYS_A_READ).to_pylist(), at=at)
        for start in range(0, len(keys), _KEYS_A_READ)
    ]
    return pa.concat_tables(blocks).combine_chunks()
