"""Ids of those whom nobody had met yet: unknown in training, as they will be where the model is asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.dataset.examples import UNKNOWN, Block, Examples
from tfrs_mtl.dataset.frames import ITEM_ID, QUERY_ID
from tfrs_mtl.dataset.negatives import Past
from tfrs_mtl.dataset.ranking_rows import RankingRows

Ints = NDArray[np.int64]
_NEVER = np.iinfo(np.int64).max


def hide_unmet(examples: Examples, rows: RankingRows, past: Past, *, lag: int) -> Examples:
    """Turn the ids of queries and items that a row could not know into UNKNOWN.

    The vocabulary holds whoever was met in the training window. So an id that is in it says that somebody
    is met at last, and one that is not says that nobody is: a row from before would read its own label off
    that. Nothing is so certain of an id that is unknown when the model is asked: some are met for the first
    time.

    Args:
        examples: the encoded rows.
        past: all positive interactions.
        lag: microseconds from the first meeting on until an id is known, as a vocabulary is some time old.
    """
    codes = {QUERY_ID: (rows.queries, past.queries), ITEM_ID: (rows.items, past.items)}
    blocks = []
    for block in examples.blocks:
        arrays = dict(block.arrays)
        for name in codes.keys() & arrays.keys():
            mine, met = codes[name]
            since = _first_met(met, past.times, max(int(mine.max(initial=-1)), int(met.max(initial=-1))) + 1)
            hidden = since[_of_block(block, mine)] >= _of_block(block, rows.times) - lag
            arrays[name] = np.where(hidden, UNKNOWN, arrays[name]).astype(arrays[name].dtype)
        blocks.append(replace(block, arrays=arrays))
    return replace(examples, blocks=tuple(blocks))


def _first_met(codes: Ints, times: Ints, size: int) -> Ints:
    """Return when each code was met first, [size]; ``times`` are ascending."""
    since = np.full(size, _NEVER, np.int64)
    met, first = np.unique(codes, return_index=True)
    since[met] = times[first]
    return since


def _of_block(block: Block, values: Ints) -> Ints:
    """Return the values of the block's own rows; examples that share one are alike in them."""
    if block.rows is None:
        return values
    own = np.zeros(len(next(iter(block.arrays.values()))), values.dtype)
    own[block.rows] = values
    return own
