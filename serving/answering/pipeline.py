"""The pipeline of one request, from one state: candidates, ranks, answers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from serving.answer import Answer
from serving.answering.answers import recommendations
from serving.answering.arranging import arrange, by_score, rank, unranked
from serving.answering.live import SPARE, ReadItems, limits_now, read_fresh
from serving.answering.pins import with_pins
from serving.request import Asked, Request, Workers, limits_of
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
    queries = state.scorer.encode(asked.queries)
    within = partial(_within, workers, request) if workers is not None else all_in_turn
    candidates = gather(state, queries, asked.known, request.k, limits, within=within)
    candidates = with_pins(state, request.rules, queries, candidates, limits)
    is_live = read_items is not None and bool(state.live)
    k = request.k + SPARE if is_live else request.k
    ranked, is_ranked = _ranked(state, request, queries, candidates, k, workers), True
    if ranked is None:
        ranked, is_ranked = unranked(state, candidates), False
    arranged = arrange(state, request, ranked, limits, k)
    if read_items is None or not is_live:
        return recommendations(state, request, asked, candidates, replace(arranged, is_ranked=is_ranked))
    fresh = read_fresh(state, arranged.ranked.rows, read_items)
    now = limits_now(state, request, limits, fresh)
    last = arrange(state, request, by_score(arranged.ranked), now, request.k, checked=False)
    last = replace(last, is_ranked=is_ranked)
    return recommendations(state, request, asked, candidates, last, fresh=fresh)


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
