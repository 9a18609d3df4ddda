"""Ranks with ties at their mean, for all groups with one sort."""

from __future__ import annotations

import numpy as np

from tfrs_mtl.evaluation.arrays import Codes, Floats, Integers, Numbers


def mean_ranks(values: Numbers, *, within: Codes | None = None) -> Floats:
    """Rank the values from 1 upwards, ``[rows]``; equal values get their mean rank.

    Args:
        values: ``[rows]``.
        within: ``[rows]`` groups; rows are ranked by group first, and ties do not reach over groups.
    """
    groups = np.zeros(len(values), dtype=np.int64) if within is None else within
    order = np.lexsort((values, groups))
    starts = run_starts(values[order], groups[order])
    ends = np.append(starts[1:], len(order))
    ranks = np.empty(len(order))
    ranks[order] = np.repeat((starts + 1 + ends) / 2, ends - starts)
    return ranks


def run_starts(*columns: Numbers) -> Integers:
    """Return where runs of equal rows begin in columns ``[rows]`` that are sorted together."""
    changes = np.zeros(max(len(columns[0]) - 1, 0), dtype=np.bool_)
    for column in columns:
        changes |= column[1:] != column[:-1]
    first = np.zeros(min(len(columns[0]), 1), dtype=np.int64)
    return np.concatenate([first, np.flatnonzero(changes) + 1])
