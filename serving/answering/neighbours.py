"""Items like one: the nearest by the item tower, within what filters, rules and live features say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from serving.answer import Answer, Key
from serving.answering.answers import similar_items
from serving.answering.live import SPARE, Fresh, ReadItems, limits_now, read_fresh
from serving.request import Limits, Request, checked_keys, excluding
from serving.state import State
from tfrs_mtl.spec import Pin

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]


def similar_to(state: State, item: Key, request: Request, *, read_items: ReadItems) -> Answer:
    """Return the items nearest to one; of an item that the snapshot does not hold, what is popular.

    Args:
        request: made for this state by ``read_request``, of no query.
        read_items: reads the live features of items.

    Raises:
        RequestError: a key of another type than the registry's.
    """
    (row,) = state.rows_of(checked_keys(state.schema.item.key, (item,), what="item")).tolist()
    barred = np.append(state.rows_of(request.exclude), np.int32(row))
    limits = Limits(request.allowed, excluding(barred[np.newaxis]))
    rows, scores, fresh = _live(state, request, row, limits, read_items)
    source = "similar" if row >= 0 else "popular"
    chosen = rows[: request.k], scores[: request.k]
    return similar_items(state, request, item, *chosen, source=source, fresh=fresh)


def _live(
    state: State, request: Request, row: int, limits: Limits, read: ReadItems
) -> tuple[Rows, Floats, Fresh | None]:
    """Return the rows that may come by the values of now, best first; see ``find_live``."""
    if not state.live:
        return *_ruled(state, request, row, request.k, limits), None
    spare, fresh = SPARE, Fresh.nothing()
    while True:
        rows, scores = _ruled(state, request, row, request.k + spare, limits)
        fresh = read_fresh(state, rows, read, held=fresh)
        now = limits_now(state, request, limits, fresh)
        within = now.kept(rows[np.newaxis], state.size)[0] >= 0
        if not fresh.is_whole and fresh.columns:  # of the later ones nothing is known
            within &= np.isin(rows, fresh.rows)
        if not fresh.is_whole or within.all() or np.count_nonzero(within) >= request.k:
            return rows[within], scores[within], fresh
        limits, spare = now, 2 * spare


def _ruled(state: State, request: Request, row: int, most: int, limits: Limits) -> tuple[Rows, Floats]:
    """Return at most so many rows, the best by score as the factors of the rules leave it.

    A rule looks among as many as `recommend` ranks: what it raises need not be among the nearest few.
    """
    rules = [rule for rule in request.rules if not isinstance(rule.given, Pin)]
    rows, scores = _nearest(state, row, max(most, state.scorer.candidates) if rules else most, limits)
    for rule in rules:
        scores = rule.scale(rows, scores)
    best = np.argsort(-scores, kind="stable")[:most]
    return rows[best], scores[best]


def _nearest(state: State, row: int, most: int, limits: Limits) -> tuple[Rows, Floats]:
    """Return the rows nearest to one, and how near they are; for -1 the most popular, and how popular."""
    if row < 0:
        rows = limits.kept(state.popular[np.newaxis], state.size)[0]
        rows = rows[rows >= 0][:most]
        return rows, state.contents.popularity[rows].astype(np.float32)
    vector = state.vectors(np.array([row], np.int32))
    found = state.items.index.search(
        vector, min(most, state.size), allowed=limits.allowed, excluded=limits.excluded
    )
    there = found.rows[0] >= 0
    return found.rows[0][there], found.scores[0][there]
