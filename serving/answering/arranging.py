"""From ranked candidates to the order of the answer: rules, pins, diversity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from serving.answering.diversity import Cap, Places, choose, unit
from serving.answering.pins import Pinned, pins, place
from serving.request import Limits, Request
from serving.sources import Candidates
from serving.state import State
from tfrs_mtl.scoring import EncodedQueries, Ranked

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Arranged:
    """The items of each query in the order of the answer.

    Attributes:
        ranked: [n, k], with the scores as the rules left them.
        pins: place, among the request's rules, of the one that put an item there, [n, k]; -1 where none did.
        over: whether a query has items beyond a cap, [n].
        by_score: the place, from 0, that its score alone would give each item among those within the limits,
            [n, k]; -1 of an item that is not within them, and where there is none.
        is_ranked: whether the scores are known; else the items are in the candidates' order.
    """

    ranked: Ranked
    pins: NDArray[np.int32]
    over: NDArray[np.bool_]
    by_score: NDArray[np.int64]
    is_ranked: bool = True


def rank(state: State, request: Request, queries: EncodedQueries, candidates: Candidates, k: int) -> Ranked:
    """Order the candidates by score, as rules leave it: the best k, or all where more than score decides."""
    plain = not request.rules and not request.is_diverse
    ranked = state.scorer.rank(
        queries,
        candidates.rows,
        context=request.context,
        k=k if plain else max(k, candidates.rows.shape[1]),
        weights=request.weights,
    )
    if not request.rules:
        return ranked
    scores = ranked.scores
    for rule in request.rules:
        scores = rule.reweigh(ranked.rows, scores)
    return by_score(Ranked(ranked.rows, scores, ranked.predictions))


def unranked(state: State, candidates: Candidates) -> Ranked:
    """Return the candidates in the order in which the sources named them, without scores."""
    rows = candidates.rows
    order = np.argsort(rows < 0, axis=1, kind="stable")
    nothing = np.full(rows.shape, np.nan, np.float32)
    tasks = [task.name for task in state.schema.spec.ranking.tasks]
    return Ranked(np.take_along_axis(rows, order, axis=1), nothing, dict.fromkeys(tasks, nothing))


def arrange(
    state: State, request: Request, ranked: Ranked, limits: Limits, k: int, *, checked: bool = True
) -> Arranged:
    """Choose and order k of the ranked candidates.

    Args:
        limits: what may come, but for pins that come despite it.
        checked: whether the candidates are known to be within the limits.
    """
    only_scores = not request.is_diverse and not any(True for _ in pins(request.rules))
    if only_scores or not (ranked.rows >= 0).any():
        best = _cut(ranked if checked else _within(ranked, limits.kept(ranked.rows, state.size) >= 0), k)
        there = best.rows >= 0
        order = np.where(there, np.cumsum(there, axis=1) - 1, -1)
        return Arranged(best, np.full(there.shape, -1, np.int32), np.zeros(len(there), np.bool_), order)
    within = limits.kept(ranked.rows, state.size) >= 0
    pinned = place(request.rules, ranked.rows, within, k)
    fixed = _places_of(pinned.rows, ranked.rows)
    ranks = np.where(within, np.cumsum(within, axis=1) - 1, -1)
    mmr, pool = request.diversity.mmr, request.diversity.pool
    chosen = choose(
        ranks,
        k,
        fixed=fixed,
        pool=pool if mmr else 0,
        mmr=mmr,
        vectors=_vectors(state, ranked.rows, ranks < pool, fixed) if mmr else None,
        caps=[Cap(_values(state, name, ranked.rows), most) for name, most in request.caps],
    )
    taken = _taken(ranked, chosen.places)
    order = np.take_along_axis(ranks, np.maximum(chosen.places, 0), axis=1)
    order = np.where(chosen.places >= 0, order, -1)
    return Arranged(taken, _pinned_by(pinned, taken.rows), chosen.over, order)


def _taken(ranked: Ranked, places: Places) -> Ranked:
    """Return the candidates at some places, [n, k]; -1 for none."""
    there, at = places >= 0, np.maximum(places, 0)

    def take(values: NDArray[Scalar], missing: float) -> NDArray[Scalar]:
        return np.where(there, np.take_along_axis(values, at, axis=1), values.dtype.type(missing))

    predictions = {task: take(values, np.nan) for task, values in ranked.predictions.items()}
    return Ranked(take(ranked.rows, -1), take(ranked.scores, -np.inf), predictions)


def _cut(ranked: Ranked, k: int) -> Ranked:
    predictions = {task: values[:, :k] for task, values in ranked.predictions.items()}
    return Ranked(ranked.rows[:, :k], ranked.scores[:, :k], predictions)


def _within(ranked: Ranked, within: NDArray[np.bool_]) -> Ranked:
    """Return what is within the limits, in the same order, before blanks for the rest."""
    order = np.argsort(~within, axis=1, kind="stable")
    return _taken(ranked, np.where(np.take_along_axis(within, order, axis=1), order, -1))


def by_score(ranked: Ranked) -> Ranked:
    """Return arranged items as ranked candidates again."""
    return _taken(ranked, np.argsort(-ranked.scores, axis=1, kind="stable"))


def _places_of(wanted: NDArray[np.int32], rows: NDArray[np.int32]) -> Places:
    """Return where each query's wanted rows stand among its own, [n, k]; -1 for those that are -1."""
    places = np.full(wanted.shape, -1, np.int64)
    for query, position in np.argwhere(wanted >= 0):
        places[query, position] = np.flatnonzero(rows[query] == wanted[query, position])[0]
    return places


def _pinned_by(pinned: Pinned, rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return which pin put each row there, [n, k]: items move up where there are too few before them."""
    found = np.full(rows.shape, -1, np.int32)
    for query, position in np.argwhere(pinned.rows >= 0):
        found[query, rows[query] == pinned.rows[query, position]] = pinned.rules[query, position]
    return found


def _vectors(
    state: State, rows: NDArray[np.int32], in_pool: NDArray[np.bool_], fixed: Places
) -> NDArray[np.float32]:
    """Return the item tower's vectors of length 1 of the first candidates, as far as likeness looks."""
    width = max(int(fixed.max(initial=-1)), int(np.nonzero(in_pool)[1].max(initial=-1))) + 1
    known, places = np.unique(np.maximum(rows[:, :width], 0), return_inverse=True)
    return unit(state.vectors(known.astype(np.int32)))[places.reshape(len(rows), width)]


def _values(state: State, name: str, rows: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the code of each candidate's value of a feature, [n, c]; -1 where it has none."""
    return np.where(rows >= 0, state.items.frame.codes(name).of_rows[rows], -1)
