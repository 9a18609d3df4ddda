"""The pipeline of one request, from one state: candidates, ranks, answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from serving.answer import Answer, Key
from serving.answering.answers import neighbours, recommendations
from serving.answering.arranging import arrange, by_score, rank
from serving.answering.live import SPARE, ReadItems, limits_now, read_fresh
from serving.answering.pins import with_pins
from serving.request import Asked, Limits, Request, allowed_by, checked_k, checked_keys, excluding, limits_of
from serving.sources import gather
from serving.state import State
from serving.wishes import Condition


def answer(
    state: State, request: Request, asked: Asked, *, read_items: ReadItems | None = None
) -> tuple[Answer, ...]:
    """Return an answer a query, from features that were read before.

    Args:
        request: made for this state by ``read_request``.
        read_items: reads the live features of items; without it, those of the snapshot stand.
    """
    limits = limits_of(state, request, asked)
    queries = state.scorer.encode(asked.queries)
    candidates = gather(state, queries, asked.known, request.k, limits)
    candidates = with_pins(state, request.rules, queries, candidates, limits)
    if read_items is None or not state.live:
        ranked = rank(state, request, queries, candidates, request.k)
        arranged = arrange(state, request, ranked, limits, request.k)
        return recommendations(state, request, asked, candidates, arranged)
    ranked = rank(state, request, queries, candidates, request.k + SPARE)
    arranged = arrange(state, request, ranked, limits, request.k + SPARE)
    fresh = read_fresh(state, arranged.ranked.rows, read_items)
    now = limits_now(state, request, limits, fresh)
    last = arrange(state, request, by_score(arranged.ranked), now, request.k, checked=False)
    return recommendations(state, request, asked, candidates, last, fresh=fresh)


def similar_to(
    state: State,
    item: Key,
    *,
    k: int | None,
    filters: Mapping[str, Condition] | None,
    exclude: Sequence[Key],
) -> Answer:
    """Return the items nearest to one by the item tower's vectors; RequestError as in ``read_request``."""
    size = state.scorer.k if k is None else checked_k(k)
    row, *barred = state.rows_of(checked_keys(state.schema.item.key, (item, *exclude), what="item")).tolist()
    limits = Limits(allowed_by(state, filters or {}), excluding(np.array([[row, *barred]], np.int32)))
    return neighbours(state, item, row, size, limits)
