"""Rounds: where live features take items away, further candidates are looked at until k are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.answering.arranging import Arranged, arrange, by_score
from serving.answering.live import SPARE, Fresh, ReadItems, limits_now, read_fresh
from serving.request import Limits, Request
from serving.sources import Candidates
from serving.state import State


class Best(NamedTuple):
    """The candidates within some limits, and the best of them in their order."""

    candidates: Candidates
    arranged: Arranged


Find = Callable[[Limits, int], Best]
"""Limits, how many -> the best within them."""


def find_live(
    state: State, request: Request, limits: Limits, find: Find, read: ReadItems
) -> tuple[Best, Fresh]:
    """Return the best k of each query that may come by the values of now, and those values.

    Where live features took so many away that a query lacks items, all are sought anew within what is left,
    with twice the spare: until k are found, no more are taken away, or the time is over.
    """
    spare, fresh = SPARE, Fresh.nothing()
    best: Best | None = None
    while True:
        found = find(limits, request.k + spare)
        fresh = read_fresh(state, found.arranged.ranked.rows, read, held=fresh)
        if best is not None and not (fresh.is_whole and found.arranged.is_ranked):
            return best, replace(fresh, is_whole=False)
        now = limits_now(state, request, limits, fresh)
        last = arrange(state, request, by_score(found.arranged.ranked), now, request.k, checked=False)
        order = _first_order(found.arranged, last)
        best = Best(found.candidates, replace(last, by_score=order, is_ranked=found.arranged.is_ranked))
        if not (fresh.is_whole and found.arranged.is_ranked and _lacks(state, found, best, limits, now)):
            return best, fresh
        limits, spare = now, 2 * spare


def _first_order(first: Arranged, last: Arranged) -> NDArray[np.int64]:
    """Return by which place among all candidates came what was arranged again, [n, k]."""
    places = np.where(first.by_score >= 0, first.by_score, np.iinfo(np.int64).max)
    found = np.take_along_axis(np.sort(places, axis=1), np.maximum(last.by_score, 0), axis=1)
    return np.where(last.by_score >= 0, found, -1)


def _lacks(state: State, found: Best, best: Best, limits: Limits, now: Limits) -> bool:
    """Say whether a query has too few items, and some were taken away from it just now."""
    rows = found.arranged.ranked.rows
    fell = (limits.kept(rows, state.size) >= 0) & (now.kept(rows, state.size) < 0)
    short = (best.arranged.ranked.rows < 0).any(axis=1)
    return bool((short & fell.any(axis=1)).any())
