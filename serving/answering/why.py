"""Why an item stands where it stands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from serving.answer import Why
from serving.answering.arranging import Arranged
from serving.request import Asked, Request
from serving.sources import Candidates
from serving.state import Rule, State
from tfrs_mtl.scoring import Explained, Ranked, expected_value, explain


def reasons(
    state: State, request: Request, asked: Asked, candidates: Candidates, arranged: Arranged
) -> tuple[tuple[Why, ...], ...]:
    """Return the reasons for each item of each query."""
    ranked = arranged.ranked
    queries, places = np.nonzero(ranked.rows >= 0)
    if not len(queries):
        return tuple(() for _ in request.queries)
    explained = explain(
        state.scorer,
        asked.queries,
        queries,
        ranked.rows[queries, places].astype(np.int64),
        context=request.context,
        weights=request.weights,
    )
    ages = [_ages(request, asked, query) for query in range(len(request.queries))]
    found: list[list[Why]] = [[] for _ in request.queries]
    for pair, (query, place) in enumerate(zip(queries.tolist(), places.tolist(), strict=True)):
        contributions = _contributions(state, request, ranked, query, place)
        row, pin = ranked.rows[query, place], int(arranged.pins[query, place])
        pinned = {request.rules[pin].name: 0.0} if pin >= 0 else {}
        why = Why(
            sources=candidates.scores(query, int(row)),
            contributions=contributions,
            rules={**_reweighed(request.rules, row, sum(contributions.values())), **pinned},
            baseline=float(explained.baseline[pair]),
            inputs=_inputs(explained, pair),
            ages=ages[query],
            snapshot_age=(request.at - state.at).total_seconds(),
            by_score=int(arranged.by_score[query, place]) + 1 or None,
        )
        found[query].append(why)
    return tuple(map(tuple, found))


def _contributions(
    state: State, request: Request, ranked: Ranked, query: int, place: int
) -> dict[str, float]:
    single = {task: values[query, place : place + 1] for task, values in ranked.predictions.items()}
    tasks = state.schema.spec.ranking.tasks
    return {
        task: float(expected_value(tasks, single, {task: weight})[0])
        for task, weight in request.weights.items()
    }


def _reweighed(rules: tuple[Rule, ...], row: np.int32, score: float) -> dict[str, float]:
    """Return what each rule that meets a row adds to its score."""
    added, rows = {}, np.array([row], np.int32)
    for rule in rules:
        if rule.reweighs(rows)[0]:
            after = float(rule.reweigh(rows, np.array([score], np.float32))[0])
            added[rule.name], score = after - score, after
    return added


def _ages(request: Request, asked: Asked, query: int) -> dict[str, float]:
    written = {view: times[query].as_py() for view, times in asked.written.items()}
    return {view: (request.at - time).total_seconds() for view, time in written.items() if time is not None}


def _inputs(explained: Explained, pair: int) -> Mapping[str, float]:
    moved = dict(zip(explained.features, explained.moved[pair].tolist(), strict=True))
    return dict(sorted(moved.items(), key=lambda entry: -abs(entry[1])))
