"""There is an answer whatever the data is like: nothing to recommend, nothing known, everything expired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from serving import Recommender
from serving.answering import answer
from serving.request import Reader, read_request
from tests.e2e.built import Built
from tests.serving.loaded import CATEGORY, UNKNOWN, busiest, keys, load
from tfrs_mtl.scoring import to_snapshot


@pytest.fixture(scope="module")
def recommender(built: Built) -> Iterator[Recommender]:
    loaded = load(built, deadline="60s", filters={"none": {"where": "false"}})
    yield loaded
    loaded.close()


def test_of_a_known_query_whose_features_all_expired_the_id_answers(
    built: Built, recommender: Recommender
) -> None:
    (query,) = busiest(built, 1)
    later = recommender.recommend(query, at=built.at + timedelta(days=8000))
    # Of a session no features are expected.
    assert later.degraded == (() if built.name == "bazaar" else ("features_missing",))
    assert len(later.items) == 10
    if built.name == "cinema":
        assert keys(later) != keys(recommender.recommend(query))


def test_views_past_their_ttl_beside_fresh_ones_are_named(built: Built, recommender: Recommender) -> None:
    (query,) = busiest(built, 1)
    assert recommender.recommend(query).expired == ()
    at = built.at + timedelta(days=45)
    later = recommender.recommend(query, at=at, explain=True)
    side, why = recommender.state.schema.query, later.items[0].why
    assert why is not None
    ttls = {s.name: s.view.ttl for s in side.service.selections} if side.service is not None else {}
    past = {view for view, age in why.ages.items() if (ttl := ttls[view]) and age > ttl.total_seconds()}
    assert set(later.expired) == past
    assert later.degraded == (("features_expired",) if past else ())
    if built.name == "cinema":
        assert past
        assert past != set(why.ages)


def test_where_nothing_may_come_nothing_comes(built: Built, recommender: Recommender) -> None:
    everything = recommender.state.items.keys.to_pylist()
    wishes: list[dict[str, Any]] = [{"filters": {"none": True}}, {"exclude": everything}]
    for query in (*busiest(built, 1), UNKNOWN[built.name]):
        for wish in wishes:
            found = recommender.recommend(query, explain=True, diversity={"mmr": 0.5}, **wish)
            assert found.items == ()
            assert "too_few_items" in found.degraded
    assert recommender.similar(everything[0], filters={"none": True}).items == ()


def test_of_an_empty_catalogue_there_is_an_empty_answer(built: Built, recommender: Recommender) -> None:
    full = recommender.state
    nothing = to_snapshot(full.contents.models, full.items.frame.slice(0, 0))
    contents = replace(full.contents, items=nothing, popularity=full.contents.popularity[:0])
    standing = full.scorer.standing
    scorer = replace(full.scorer, standing=standing and standing.take(np.empty(0, np.int64)))
    empty = replace(full, contents=contents, scorer=scorer).with_items(nothing, built.at)
    reader = Reader(1)
    for query in (*busiest(built, 1), UNKNOWN[built.name]):
        for wishes in ({}, {"explain": True, "diversity": {"mmr": 0.5, "caps": {CATEGORY[built.name]: 1}}}):
            request = read_request(empty, [query], wishes, at=built.at)  # type: ignore[arg-type]
            (found,) = answer(empty, request, reader.read(empty, request))
            assert found.items == ()
            assert "too_few_items" in found.degraded
    reader.close()
