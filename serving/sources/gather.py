"""Asking every source, and laying what they name side by side without doubles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.request import Limits
from serving.sources.registry import SOURCES
from serving.state import State
from tfrs_mtl.index import Found
from tfrs_mtl.scoring import EncodedQueries, merged


@dataclass(frozen=True)
class Candidates:
    """What the sources named.

    Attributes:
        rows: rows of the snapshot, each once a query, [n, c]; -1 where there is none.
        named: source -> what it named, [n, its own width].
    """

    rows: NDArray[np.int32]
    named: Mapping[str, Found]

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
    state: State, queries: EncodedQueries, known: NDArray[np.bool_], k: int, limits: Limits
) -> Candidates:
    """Ask the sources for each query; one that nobody knows gets what is popular and nothing else."""
    given = state.settings.sources
    most = max(state.scorer.candidates if given.towers is None else given.towers, k)
    quotas = {**given.model_dump(), "towers": 0 if given.towers == 0 else most}
    named = {name: ask(state, queries, quotas[name], limits) for name, ask in SOURCES.items() if quotas[name]}
    if not known.all():
        unknown = ~known[:, None]
        named = {name: _blank(found, unknown) for name, found in named.items()}
        found = SOURCES["popular"](state, queries, most, limits)
        beyond = np.arange(found.rows.shape[1]) >= quotas["popular"]
        named["popular"] = _blank(found, ~unknown & beyond)
    return Candidates(merged([found.rows for found in named.values()], state.size), named)


def _blank(found: Found, where: NDArray[np.bool_]) -> Found:
    return Found(np.where(where, np.int32(-1), found.rows), found.scores)
