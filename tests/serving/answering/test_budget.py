"""A budget a request: what takes longer is left out, the answer says so, and nothing waits for it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from threading import Event
from typing import Any

import numpy as np
import pytest

from serving import Answer, Recommender
from serving.answering import answer
from serving.request import Workers, read_request
from serving.sources import SOURCES
from tests.e2e.built import Built
from tests.serving.loaded import UNKNOWN, busiest, keys, load
from tfrs_mtl.scoring import Ranked, Scorer


@pytest.fixture(scope="module")
def patient(built: Built) -> Iterator[Recommender]:
    loaded = load(built, deadline="60s", budget="60s")
    yield loaded
    loaded.close()


@pytest.fixture
def hurried(built: Built) -> Iterator[Recommender]:
    loaded = load(built, deadline="60s", budget="1s", sources={"similar": 10})
    yield loaded
    loaded.close()


@pytest.fixture
def slow_towers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """The towers take until the event is set."""
    towers, going = SOURCES["towers"], Event()

    def wait(*arguments: Any) -> Any:
        going.wait(30)
        return towers(*arguments)

    monkeypatch.setitem(SOURCES, "towers", wait)
    yield going
    going.set()


def test_within_its_budget_an_answer_is_what_it_is_without(built: Built, patient: Recommender) -> None:
    plain = load(built, deadline="60s")
    for query in (*busiest(built, 2), UNKNOWN[built.name]):
        assert patient.recommend(query).items == plain.recommend(query).items
    plain.close()


def test_a_slow_source_is_left_out_and_comes_again_when_it_is_quick(
    built: Built, hurried: Recommender, slow_towers: Event
) -> None:
    asked = [busiest(built, 1)[0], UNKNOWN[built.name]]
    for query in asked:
        began = time.monotonic()
        found = hurried.recommend(query, k=5)
        assert time.monotonic() - began < 5
        assert "sources_timeout" in found.degraded
        assert "ranking_timeout" not in found.degraded
        assert len(found.items) == 5
        assert all("towers" not in item.sources for item in found.items)
        assert [item.score for item in found.items] == sorted((i.score for i in found.items), reverse=True)
    slow_towers.set()
    end = time.monotonic() + 20
    while "sources_timeout" in hurried.recommend(asked[0]).degraded:
        assert time.monotonic() < end
    assert hurried.status().counts["degraded.sources_timeout"] >= 2


class _Slow(Scorer):
    """Ranks when it is too late."""

    def rank(self, *arguments: Any, **options: Any) -> Ranked:
        time.sleep(3)
        return super().rank(*arguments, **options)


def _unranked(built: Built, recommender: Recommender, **wishes: Any) -> tuple[Answer, Answer]:
    """Return what is answered without ranking, and with it."""
    state = recommender.state
    scorer = _Slow(**{field.name: getattr(state.scorer, field.name) for field in fields(Scorer)})
    request = read_request(state, busiest(built, 1), wishes, at=built.at)  # type: ignore[arg-type]
    asked, workers = recommender._reader.read(state, request), Workers("test", 4)
    began = time.monotonic()
    hurried = replace(request, until=began + 1)
    (without,) = answer(replace(state, scorer=scorer), hurried, asked, workers=workers)
    assert time.monotonic() - began < 2.5
    workers.close()
    (ranked,) = answer(state, request, asked)
    return without, ranked


def test_ranking_that_comes_too_late_leaves_the_candidates_in_their_order(
    built: Built, patient: Recommender
) -> None:
    without, ranked = _unranked(built, patient, k=8, explain=True)
    assert without.degraded == ("ranking_timeout",)
    assert ranked.degraded == ()
    assert len(without.items) == 8
    state = patient.state
    queries = state.scorer.encode(patient._reader.read(state, _request(built, patient)).queries)
    (candidates,) = state.scorer.find(queries, state.scorer.candidates)
    assert keys(without) == [state.items.keys[int(row)].as_py() for row in candidates[:8]]
    for item in without.items:
        assert math.isnan(item.score)
        assert np.isnan(list(item.predictions.values())).all()
        assert item.why is None
        assert item.display


def _request(built: Built, recommender: Recommender) -> Any:
    return read_request(recommender.state, busiest(built, 1), {}, at=built.at)


def test_limits_and_caps_hold_without_ranking_too(built: Built, patient: Recommender) -> None:
    first, _ = _unranked(built, patient, k=3)
    again, _ = _unranked(built, patient, k=3, exclude=keys(first)[:1], diversity={"mmr": 0.5})
    assert keys(first)[0] not in keys(again)
    assert len(again.items) == 3


def test_where_as_much_waits_as_may_more_is_not_begun() -> None:
    workers, going = Workers("test", 1), Event()
    works = {str(n): lambda: going.wait(20) for n in range(16)}
    assert workers.within(time.monotonic() + 0.1, works) == {}
    begun = list[int]()
    assert workers.within(time.monotonic() + 0.1, {"late": lambda: begun.append(1)}) == {}
    going.set()
    end = time.monotonic() + 10
    while workers.within(time.monotonic() + 1, {"work": lambda: 7}) != {"work": 7}:
        assert time.monotonic() < end
    workers.close()
