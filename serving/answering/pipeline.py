"""The pipeline of one request, from one state: candidates, ranks, answers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from serving.answer import Answer
from serving.answering.answers import recommendations
from serving.answering.arranging import arrange, rank, unranked
from serving.answering.live import ReadItems
from serving.answering.pins import with_pins
from serving.answering.rounds import Best, find_live
from serving.request import Asked, Limits, Request, Workers, limits_of
from serving.sources import Candidates, all_in_turn, gather
from serving.state import State
from tfrs_mtl.index import Found
from tfrs_mtl.scoring import EncodedQueries, Ranked


def answer(
    state: State,
    request: Request,
    asked: Asked,
    *,
    read_items: ReadItems | None = None,
    workers: Workers | None = None,
) -> tuple[Answer, ...]:
    """Return an answer a query, from features that were read before.

    Args:
        request: made for this state by ``read_request``.
        read_items: reads the live features of items; without it, those of the snapshot stand.
        workers: do what must not take longer than the request may; without them it takes what it takes.
    """
    limits = limits_of(state, request, asked)
    find = partial(_find, state, request, asked, state.scorer.encode(asked.queries), workers)
    if read_items is None or not state.live:
        return recommendations(state, request, asked, *find(limits, request.k))
    found, fresh = find_live(state, request, limits, find, read_items)
    return recommendations(state, request, asked, *found, fresh=fresh)


def _find(
    state: State,
    request: Request,
    asked: Asked,
    queries: EncodedQueries,
    workers: Workers | None,
    limits: Limits,
    k: int,
) -> Best:
    """Return the best k candidates within some limits, in their order."""
    within = partial(_within, workers, request) if workers is not None else all_in_turn
    candidates = gather(state, queries, asked.known, k, limits, within=within)
    candidates = with_pins(state, request.rules, queries, candidates, limits)
    ranked, is_ranked = _ranked(state, request, queries, candidates, k, workers), True
    if ranked is None:
        ranked, is_ranked = unranked(state, candidates), False
    return Best(candidates, replace(arrange(state, request, ranked, limits, k), is_ranked=is_ranked))


def _within(workers: Workers, request: Request, asks: Mapping[str, Callable[[], Found]]) -> dict[str, Found]:
    """Ask the sources side by side for half of the time that is left: ranking needs the other."""
    if request.until == math.inf:
        return all_in_turn(asks)
    now = time.monotonic()
    return workers.within(now + (request.until - now) / 2, asks)


def _ranked(
    state: State,
    request: Request,
    queries: EncodedQueries,
    candidates: Candidates,
    k: int,
    workers: Workers | None,
) -> Ranked | None:
    """Rank in the time that is left; None where it does not suffice."""
    work = partial(rank, state, request, queries, candidates, k)
    if workers is None or request.until == math.inf:
        return work()
    return workers.within(request.until, {"rank": work}).get("rank")
