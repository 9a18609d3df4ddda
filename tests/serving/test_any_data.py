"""There is an answer whatever the data is like: nothing to recommend, nothing known, everything expired."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from serving import Recommender
from serving.asking import read_request
from serving.pipeline import answer
from serving.reading import Reader
from tests.e2e.built import Built
from tests.serving.bundles import copied
from tests.serving.test_recommender import _CATEGORY, _UNKNOWN, busiest, keys, load
from tfrs_mtl.bundle import BundleStore
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


def test_where_nothing_may_come_nothing_comes(built: Built, recommender: Recommender) -> None:
    everything = recommender.state.items.keys.to_pylist()
    wishes: list[dict[str, Any]] = [{"filters": {"none": True}}, {"exclude": everything}]
    for query in (*busiest(built, 1), _UNKNOWN[built.name]):
        for wish in wishes:
            found = recommender.recommend(query, explain=True, diversity={"mmr": 0.5}, **wish)
            assert found.items == ()
            assert "too_few_items" in found.degraded
    assert recommender.similar(everything[0], filters={"none": True}).items == ()


def test_of_an_empty_catalogue_there_is_an_empty_answer(built: Built, recommender: Recommender) -> None:
    full = recommender.state
    nothing = to_snapshot(full.contents.models, full.items.frame.slice(0, 0))
    contents = replace(full.contents, items=nothing, popularity=full.contents.popularity[:0])
    empty = replace(full, contents=contents).with_items(nothing, built.at)
    reader = Reader(1)
    for query in (*busiest(built, 1), _UNKNOWN[built.name]):
        for wishes in ({}, {"explain": True, "diversity": {"mmr": 0.5, "caps": {_CATEGORY[built.name]: 1}}}):
            request = read_request(empty, [query], wishes, at=built.at)  # type: ignore[arg-type]
            (found,) = answer(empty, request, reader.read(empty, request))
            assert found.items == ()
            assert "too_few_items" in found.degraded
    reader.close()


def test_a_k_beyond_the_catalogue_brings_each_item_once_whatever_arranges_them(
    built: Built, recommender: Recommender
) -> None:
    everything = set(recommender.state.items.keys.to_pylist())
    for query in (*busiest(built, 1), _UNKNOWN[built.name]):
        found = recommender.recommend(
            query, k=9000, diversity={"mmr": 0.5, "caps": {_CATEGORY[built.name]: 1}}
        )
        assert len(found.items) == len(set(keys(found))) <= len(everything)
        assert "too_few_items" in found.degraded
        assert "caps_exceeded" in found.degraded


def test_answers_do_not_fail_nor_mix_versions_while_bundles_swap(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.project.artefacts, tmp_path / "artefacts")
    store = BundleStore(tmp_path / "artefacts" / "bundles")
    old = store.open().id
    both = (old, copied(store, old))
    recommender = Recommender.load(
        built.path, bundle=old, artefacts=tmp_path / "artefacts", clock=lambda: built.at
    )
    asked, going = busiest(built, 4), True

    def ask(query: Any) -> set[str]:
        seen = set()
        while going:
            found = recommender.recommend_many([query, *asked])
            assert len({a.versions for a in found}) == 1
            assert all(len(a.items) == 10 for a in found)
            seen.add(found[0].versions.bundle)
        return seen

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(ask, query) for query in asked]
        try:
            for bundle in (both[1], both[0], both[1]):
                assert recommender.swap(bundle) == bundle
        finally:
            going = False
        assert set.union(*(done.result() for done in running)) <= set(both)
    assert recommender.recommend(asked[0]).versions.bundle == both[1]
    recommender.close()


def test_items_that_left_the_store_are_still_ranked_and_shown_without_features(
    built: Built, tmp_path: Path
) -> None:
    path = tmp_path / "repo"
    shutil.copytree(built.path, path, ignore=shutil.ignore_patterns("artefacts"))
    recommender = Recommender.load(path, artefacts=built.project.artefacts, clock=lambda: built.at)
    views = {feature.view for feature in recommender.state.schema.item.fetched}
    with closing(sqlite3.connect(path / "data" / "online_store.db")) as store, store:
        for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if any(table.endswith(view) for view in views):
                store.execute(f'DELETE FROM "{table}"')
    recommender.refresh()
    found = recommender.recommend(busiest(built, 1)[0], explain=True)
    assert len(found.items) == 10
    assert all(value is None for item in found.items for value in item.display.values())
    recommender.close()
