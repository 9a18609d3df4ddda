"""From ranked rows to answers: keys, what people are shown, and which sources named an item."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from serving.answer import Answer, Degraded, Key, Recommendation, Shown
from serving.limits import same_for_all
from serving.reading import Asked
from serving.request import Request
from serving.sources import Candidates
from serving.state import State
from tfrs_mtl.scoring import Ranked


def recommendations(
    state: State, request: Request, asked: Asked, candidates: Candidates, ranked: Ranked
) -> tuple[Answer, ...]:
    """Return an answer a query."""
    answers = []
    for n, query in enumerate(request.queries):
        rows = ranked.rows[n][ranked.rows[n] >= 0]
        keys, shown = _keys(state, rows), _shown(state, rows)
        sources = candidates.sources(n, rows)
        predictions = {task: values[n].tolist() for task, values in ranked.predictions.items()}
        items = tuple(
            Recommendation(
                item=key,
                score=float(ranked.scores[n, place]),
                predictions={task: values[place] for task, values in predictions.items()},
                display=shown[place],
                sources=sources[place],
            )
            for place, key in enumerate(keys)
        )
        degraded = asked.degraded[n] + _few(items, request.k)
        answers.append(Answer(query, items, degraded, state.versions))
    return tuple(answers)


def neighbours(state: State, item: Key, row: int, k: int, barred: NDArray[np.int32]) -> Answer:
    """Return the items nearest to a row; of an item that is not there (-1), what is popular."""
    excluded = np.append(barred, np.int32(row))
    if row < 0:
        rows = state.popular[~np.isin(state.popular, excluded)][:k]
        scores, source = state.contents.popularity[rows], "popular"
    else:
        vector = state.vectors(np.array([row], np.int32))
        found = state.items.index.search(vector, min(k, state.size), excluded=same_for_all(excluded, 1))
        rows, scores, source = found.rows[0][found.rows[0] >= 0], found.scores[0], "similar"
    shown = _shown(state, rows)
    items = tuple(
        Recommendation(key, float(scores[place]), {}, shown[place], (source,))
        for place, key in enumerate(_keys(state, rows))
    )
    unknown: tuple[Degraded, ...] = ("unknown_item",) if row < 0 else ()
    return Answer(item, items, unknown + _few(items, k), state.versions)


def _keys(state: State, rows: NDArray[np.int32]) -> list[Key]:
    keys: list[Key] = state.items.keys.take(pa.array(rows)).to_pylist()
    return keys


def _shown(state: State, rows: NDArray[np.int32]) -> list[dict[str, Shown]]:
    """Return what people are shown of each row."""
    index, columns = pa.array(rows), state.items.frame.columns
    shown = {name.split("__", 1)[1]: columns[name].take(index).to_pylist() for name in state.schema.display}
    return [{name: values[place] for name, values in shown.items()} for place in range(len(rows))]


def _few(items: tuple[Recommendation, ...], k: int) -> tuple[Degraded, ...]:
    return ("too_few_items",) if len(items) < k else ()
