"""The pipeline of one request, from one state: candidates, ranks, answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from serving.answer import Answer, Key
from serving.answers import neighbours, recommendations
from serving.asking import limits_of
from serving.filters import allowed_by
from serving.limits import Limits, excluding
from serving.reading import Asked
from serving.request import Request, checked_k, checked_keys
from serving.sources import gather
from serving.state import State
from serving.wishes import Condition


def answer(state: State, request: Request, asked: Asked) -> tuple[Answer, ...]:
    """Return an answer a query, from features that were read before.

    Args:
        request: made for this state by ``read_request``.
    """
    limits = limits_of(state, request, asked)
    queries = state.scorer.encode(asked.queries)
    candidates = gather(state, queries, asked.known, request.k, limits)
    ranked = state.scorer.rank(
        queries, candidates.rows, context=request.context, k=request.k, weights=request.weights
    )
    return recommendations(state, request, asked, candidates, ranked)


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
