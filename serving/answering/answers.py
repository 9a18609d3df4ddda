"""From ranked rows to answers: keys, what people are shown, and which sources named an item."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from serving.answer import Answer, Degraded, Key, Recommendation, Shown, Why
from serving.answering.arranging import Arranged
from serving.answering.live import Fresh
from serving.answering.why import reasons
from serving.request import Asked, Request
from serving.sources import Candidates
from serving.state import State


def recommendations(
    state: State,
    request: Request,
    asked: Asked,
    candidates: Candidates,
    arranged: Arranged,
    *,
    fresh: Fresh | None = None,
) -> tuple[Answer, ...]:
    """Return an answer a query."""
    answers, ranked = [], arranged.ranked
    late = _late(candidates, arranged)
    whys: tuple[tuple[Why, ...], ...] = ()
    if request.explain and arranged.is_ranked:
        whys = reasons(state, request, asked, candidates, arranged)
    for n, query in enumerate(request.queries):
        rows = ranked.rows[n][ranked.rows[n] >= 0]
        keys, shown = _keys(state, rows), _shown(state, rows, fresh)
        sources = candidates.sources(n, rows)
        predicted = {task: values[n].tolist() for task, values in ranked.predictions.items()}
        predictions = [
            {task: values[place] for task, values in predicted.items()} for place in range(len(rows))
        ]
        items = tuple(
            Recommendation(
                item=key,
                score=float(ranked.scores[n, place]),
                predictions=predictions[place],
                display=shown[place],
                sources=sources[place],
                why=whys[n][place] if whys else None,
            )
            for place, key in enumerate(keys)
        )
        over: tuple[Degraded, ...] = ("caps_exceeded",) if arranged.over[n] else ()
        degraded = asked.degraded[n] + late + _stale(state, request) + _few(items, request.k) + over
        degraded += fresh.degraded if fresh is not None else ()
        expired = asked.expired[n] if asked.expired else ()
        answers.append(Answer(query, items, degraded, state.versions, request.id, expired))
    return tuple(answers)


def similar_items(
    state: State,
    request: Request,
    item: Key,
    rows: NDArray[np.int32],
    scores: NDArray[np.float32],
    *,
    source: str,
    fresh: Fresh | None = None,
) -> Answer:
    """Return the answer for an item from rows in their order, [m]; one source named them all."""
    shown = _shown(state, rows, fresh)
    items = tuple(
        Recommendation(key, float(scores[place]), {}, shown[place], (source,))
        for place, key in enumerate(_keys(state, rows))
    )
    unknown: tuple[Degraded, ...] = ("unknown_item",) if source == "popular" else ()
    degraded = unknown + _stale(state, request) + _few(items, request.k)
    degraded += fresh.degraded if fresh is not None else ()
    return Answer(item, items, degraded, state.versions)


def _keys(state: State, rows: NDArray[np.int32]) -> list[Key]:
    keys: list[Key] = state.items.keys.take(pa.array(rows)).to_pylist()
    return keys


def _shown(state: State, rows: NDArray[np.int32], fresh: Fresh | None = None) -> list[dict[str, Shown]]:
    """Return what people are shown of each row."""
    index, columns, shown = pa.array(rows), state.items.frame.columns, {}
    for name in state.schema.display:
        values = columns[name].take(index)
        shown[name.split("__", 1)[1]] = (fresh.shown(name, rows, values) if fresh else values).to_pylist()
    return [{name: values[place] for name, values in shown.items()} for place in range(len(rows))]


def _late(candidates: Candidates, arranged: Arranged) -> tuple[Degraded, ...]:
    sources: tuple[Degraded, ...] = ("sources_timeout",) if candidates.late else ()
    return sources if arranged.is_ranked else (*sources, "ranking_timeout")


def _stale(state: State, request: Request) -> tuple[Degraded, ...]:
    longest = state.settings.stale_after
    return ("stale_snapshot",) if longest is not None and request.at - state.at > longest else ()


def _few(items: tuple[Recommendation, ...], k: int) -> tuple[Degraded, ...]:
    return ("too_few_items",) if len(items) < k else ()
