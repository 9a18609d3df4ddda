"""From a call's arguments to a checked request, and to the limits of what may come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from serving.answer import Key, Value
from serving.filters import Condition, allowed_by
from serving.limits import Limits, excluding, met_within
from serving.reading import Asked
from serving.request import Request, checked_context, checked_k, checked_keys, checked_weights
from serving.state import State


def read_request(
    state: State,
    queries: Sequence[Key],
    *,
    k: int | None,
    weights: Mapping[str, float] | None,
    context: Mapping[str, Value] | None,
    filters: Mapping[str, Condition] | None,
    exclude: Sequence[Key],
    explain: bool,
    at: datetime,
) -> Request:
    """Return the request of a call; RequestError for an argument without sense."""
    schema = state.schema
    return Request(
        queries=tuple(queries),
        keys=checked_keys(schema.query.key, queries, what="query"),
        at=at,
        k=state.scorer.k if k is None else checked_k(k),
        weights=checked_weights(schema, weights or state.scorer.weights),
        context=checked_context(schema, context or {}, size=len(queries)),
        exclude=checked_keys(schema.item.key, exclude, what="exclude"),
        allowed=allowed_by(state, filters or {}),
        explain=explain,
    )


def limits_of(state: State, request: Request, asked: Asked) -> Limits:
    """Return what may come: what the filters let through, without what is excluded or was met of late."""
    barred = np.tile(state.rows_of(request.exclude), (len(request.queries), 1))
    span = state.settings.met_within
    if span is not None:
        young = met_within(state.schema, asked.queries, state.items.lookup, span)
        barred = np.hstack([barred, young])
    return Limits(request.allowed, excluding(barred))
