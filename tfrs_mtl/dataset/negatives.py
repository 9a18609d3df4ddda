"""Sampled negatives, each from before the row it stands beside.

``popular`` draws the item of a random interaction before the row: in proportion to popularity so far.
``uniform`` draws one of the items known by then. ``own`` draws the item of one of the query's own
interactions before the row. A draw that the query interacted with in the same window of time is drawn
anew; after a few rounds what is left of them is dropped, so a query that has met everything gets fewer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.spec import Negatives

_ROUNDS = 8

Ints = NDArray[np.int64]
Draw = Callable[[Ints], Ints]
"""Positions of the rows to draw for -> an item code each, -1 where there is nothing to draw from."""


@dataclass(frozen=True)
class Past:
    """All positive interactions, ordered by time, from which negatives are drawn.

    Attributes:
        queries, items: codes, [n].
        times: int64 microseconds, ascending, [n].
        known_since: int64 microseconds since which each item is known, ascending by code, [items].
    """

    queries: Ints
    items: Ints
    times: Ints
    known_since: Ints


@dataclass(frozen=True)
class Sampled:
    """Drawn negatives: item ``items[i]`` for row ``rows[i]`` of those asked for, [m] each."""

    rows: Ints
    items: Ints


def sample_negatives(
    past: Past, *, queries: Ints, times: Ints, negatives: Negatives, bounds: tuple[int, ...], seed: int
) -> Sampled:
    """Draw negatives for each row.

    Args:
        past: every positive interaction of the shop; those at or after a row's time are never drawn from.
        queries: query code of each row, [n].
        times: microseconds of each row, [n].
        bounds: moments (microseconds) at which a window ends early: the borders of the split.
        seed: the draws depend on it alone.
    """
    random = np.random.default_rng(seed)
    width = int(negatives.window.total_seconds() * 1_000_000)
    met = _Met(past, _Windows(width, bounds))
    drawn_rows, drawn_items = [], []
    for draw, count in _draws(past, queries, times, negatives, random):
        rows = np.repeat(np.arange(len(queries)), count)
        items = _draw_until_unmet(draw, rows, met, queries, times)
        drawn_rows.append(rows[items >= 0])
        drawn_items.append(items[items >= 0])
    rows, items = np.concatenate(drawn_rows), np.concatenate(drawn_items)
    order = np.argsort(rows, kind="stable")
    return Sampled(rows[order], items[order])


@dataclass(frozen=True)
class _Windows:
    """Consecutive windows of equal width since the epoch, cut at the bounds as well."""

    width: int
    bounds: tuple[int, ...]

    def number(self, times: Ints) -> Ints:
        cuts = np.searchsorted(np.asarray(sorted(self.bounds), np.int64), times, side="right")
        return (times // self.width) * (len(self.bounds) + 1) + cuts


class _Met:
    """Which (query, item, window) have met."""

    def __init__(self, past: Past, windows: _Windows) -> None:
        self._windows = windows
        self._items = len(past.known_since)
        numbers = windows.number(past.times)
        self._first = int(numbers.min()) if len(numbers) else 0
        self._span = int(numbers.max()) - self._first + 1 if len(numbers) else 1
        self._codes = np.unique(self._encode(past.queries, past.items, numbers))

    def _encode(self, queries: Ints, items: Ints, numbers: Ints) -> Ints:
        return (queries * self._items + items) * self._span + (numbers - self._first)

    def contains(self, queries: Ints, items: Ints, times: Ints) -> NDArray[np.bool_]:
        numbers = self._windows.number(times)
        inside = (numbers >= self._first) & (numbers < self._first + self._span)
        codes = self._encode(queries, items, np.clip(numbers, self._first, self._first + self._span - 1))
        if not len(self._codes):
            return np.zeros(len(queries), bool)
        at = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        return np.asarray(inside & (self._codes[at] == codes))


def _draws(
    past: Past, queries: Ints, times: Ints, negatives: Negatives, random: np.random.Generator
) -> list[tuple[Draw, int]]:
    before = np.searchsorted(past.times, times)
    known = np.searchsorted(past.known_since, times, side="right")
    own = _own_ranges(past, queries, times)

    def popular(rows: Ints) -> Ints:
        return _pick(past.items, np.zeros(len(rows), np.int64), before[rows], random)

    def uniform(rows: Ints) -> Ints:
        every = np.arange(len(past.known_since))
        return _pick(every, np.zeros(len(rows), np.int64), known[rows], random)

    def own_past(rows: Ints) -> Ints:
        return _pick(own.items, own.start[rows], own.end[rows], random)

    counts = ((popular, negatives.popular), (uniform, negatives.uniform), (own_past, negatives.own))
    return [(draw, count) for draw, count in counts if count]


@dataclass(frozen=True)
class _OwnRanges:
    items: Ints
    start: Ints
    end: Ints


def _own_ranges(past: Past, queries: Ints, times: Ints) -> _OwnRanges:
    """Order the past by (query, time) and find each row's stretch of it before the row's time."""
    order = np.lexsort((past.times, past.queries))
    sorted_queries = past.queries[order]
    start = np.searchsorted(sorted_queries, queries)
    # Position of (query, time) in the order: the rank of the time among all, made comparable by query.
    ranks = np.arange(len(order), dtype=np.int64)[order]
    width = len(order) + 1
    until = np.searchsorted(past.times, times)
    end = np.searchsorted(sorted_queries * width + ranks, queries * width + until)
    return _OwnRanges(past.items[order], start, end)


def _pick(values: Ints, start: Ints, end: Ints, random: np.random.Generator) -> Ints:
    """Draw one of ``values[start:end]`` for each range, -1 where it is empty."""
    offsets = (random.random(len(start)) * (end - start)).astype(np.int64)
    if not len(values):
        return np.full(len(start), -1, np.int64)
    return np.where(end > start, values[np.minimum(start + offsets, len(values) - 1)], -1)


def _draw_until_unmet(draw: Draw, rows: Ints, met: _Met, queries: Ints, times: Ints) -> Ints:
    items = draw(rows)
    for _ in range(_ROUNDS):
        again = np.flatnonzero((items >= 0) & met.contains(queries[rows], items, times[rows]))
        if not len(again):
            return items
        items[again] = draw(rows[again])
    items[(items >= 0) & met.contains(queries[rows], items, times[rows])] = -1
    return items
