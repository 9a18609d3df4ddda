"""Asking every source, and laying what they name side by side without doubles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from serving.request import Limits
from serving.sources.fusion import fused
from serving.sources.registry import SOURCES
from serving.state import State
from tfrs_mtl.index import Found
from tfrs_mtl.scoring import EncodedQueries, merged

Within = Callable[[Mapping[str, Callable[[], Found]]], Mapping[str, Found]]
"""Source -> what asks it; returns source -> what it named, of those that came in time, in the same order."""


def all_in_turn(asks: Mapping[str, Callable[[], Found]]) -> dict[str, Found]:
    """Ask every source, one after the other, however long it takes."""
    return {name: ask() for name, ask in asks.items()}


@dataclass(frozen=True)
class Candidates:
    """What the sources named.

    Attributes:
        rows: rows of the snapshot, each once a query, [n, c]; -1 where there is none.
        named: source -> what it named, [n, its own width].
        late: whether a source took too long, and is not among them.
    """

    rows: NDArray[np.int32]
    named: Mapping[str, Found]
    late: bool = False

    def sources(self, query: int, rows: NDArray[np.int32]) -> list[tuple[str, ...]]:
        """Return for each of the rows which sources named it to a query."""
        holds = {
            name: (found.rows[query] == rows[:, np.newaxis]).any(axis=1).tolist()
            for name, found in self.named.items()
        }
        return [tuple(name for name in holds if holds[name][n]) for n in range(len(rows))]

    def scores(self, query: int, row: int) -> dict[str, float | None]:
        """Return by which score each source named a row to a query; None where it gives none."""
        found = {}
        for name, (rows, scores) in self.named.items():
            for place in np.flatnonzero(rows[query] == row)[:1]:
                score = float(scores[query, place])
                found[name] = None if np.isnan(score) else score
        return found


def gather(
    state: State,
    queries: EncodedQueries,
    known: NDArray[np.bool_],
    k: int,
    limits: Limits,
    *,
    within: Within = all_in_turn,
) -> Candidates:
    """Ask the sources for each query; one that nobody knows gets what is popular and nothing else.

    Args:
        within: asks the sources as long as there is time for, and returns what those named that came in time.
    """
    given = state.settings.sources
    most = max(state.scorer.candidates if given.towers is None else given.towers, k)
    quotas = {name: getattr(given, name) for name in SOURCES}
    quotas["towers"] = 0 if given.towers == 0 else most
    asks = {name: partial(SOURCES[name], state, queries, quotas[name], limits) for name in _asked(quotas)}
    named = dict(within(asks))
    late = len(named) < len(asks)
    without = ~known | ~_reached(named.values(), len(queries)) if late else ~known
    if without.any():
        unknown = ~known[:, None]
        named = {name: _blank(found, unknown) for name, found in named.items()}
        found = SOURCES["popular"](state, queries, most, limits)  # an order that is there already: no wait
        beyond = np.arange(found.rows.shape[1]) >= quotas["popular"]
        named["popular"] = _blank(found, ~without[:, None] & beyond)
    rows = {name: found.rows for name, found in named.items()}
    if given.ranked is None:
        return Candidates(merged(list(rows.values()), state.size), named, late)
    weights: dict[str, float] = dict(given.weights.items())
    best = fused(rows, weights, most=max(given.ranked, k), items=state.size)
    return Candidates(best, named, late)


def _asked(quotas: Mapping[str, int]) -> Iterator[str]:
    return (name for name in SOURCES if quotas[name])


def _reached(named: Iterable[Found], queries: int) -> NDArray[np.bool_]:
    """Say to which queries anything was named, [n]."""
    reached = np.zeros(queries, np.bool_)
    for found in named:
        reached |= (found.rows >= 0).any(axis=1)
    return reached


def _blank(found: Found, where: NDArray[np.bool_]) -> Found:
    return Found(np.where(where, np.int32(-1), found.rows), found.scores)
