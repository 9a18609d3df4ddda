"""From a call's arguments to a checked request, and to the limits of what may come."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from serving.answer import Key
from serving.request.filters import allowed_by, checked_caps
from serving.request.limits import Limits, excluding, met_within
from serving.request.reading import Asked
from serving.request.request import (
    Request,
    checked_context,
    checked_diversity,
    checked_k,
    checked_keys,
    checked_weights,
)
from serving.state import State, rules_that_hold
from serving.wishes import Wishes
from tfrs_mtl.errors import RequestError, nearest

_OPTIONS = list(Wishes.__annotations__)


def read_request(state: State, queries: Sequence[Key], wishes: Wishes, *, at: datetime) -> Request:
    """Return the request of a call, made for one state: its rows and masks are those of that snapshot.

    Raises:
        RequestError: a key of another type than the registry's, or a wish without sense.
    """
    began = time.monotonic()
    for name in wishes:
        if name not in _OPTIONS:
            raise RequestError(f"no option {name!r}; {nearest(name, _OPTIONS)}")
    schema, k, filters = state.schema, wishes.get("k"), wishes.get("filters") or {}
    diversity = checked_diversity(state.settings.diversity, wishes.get("diversity") or {})
    return Request(
        queries=tuple(queries),
        keys=checked_keys(schema.query.key, queries, what="query"),
        at=at,
        k=state.scorer.k if k is None else checked_k(k),
        weights=checked_weights(schema, wishes.get("weights") or state.scorer.weights),
        context=checked_context(schema, wishes.get("context") or {}, size=len(queries)),
        exclude=checked_keys(schema.item.key, wishes.get("exclude") or (), what="exclude"),
        filters=filters,
        allowed=allowed_by(state, filters),
        rules=rules_that_hold(state.rules, wishes.get("rules") or {}, at),
        diversity=diversity,
        caps=checked_caps(schema, diversity.caps),
        explain=wishes.get("explain", False),
        began=began,
        until=_until(state, began, len(queries)),
    )


def _until(state: State, began: float, queries: int) -> float:
    budget = state.settings.budget
    return math.inf if budget is None else began + budget.total_seconds() * max(queries, 1)


def limits_of(state: State, request: Request, asked: Asked) -> Limits:
    """Return what may come: what the filters let through, without what is excluded or was met of late."""
    barred = np.tile(state.rows_of(request.exclude), (len(request.queries), 1))
    span = state.settings.met_within
    if span is not None:
        young = met_within(state.schema, asked.queries, state.items.lookup, span)
        barred = np.hstack([barred, young])
    return Limits(request.allowed, excluding(barred))
