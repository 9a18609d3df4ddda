"""Live item features: what the online store says now, not what the snapshot said."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pytest
import yaml
from feast import FeatureStore

from serving import Recommender, Wishes
from serving.answering import answer
from serving.request import Reader, read_request
from tests.e2e.built import Built
from tests.serving.loaded import busiest, column, keys
from tfrs_mtl.errors import RegistryError

_VIEW = {"bazaar": "article_facts", "cinema": "film_facts"}
_NUMBER = {"bazaar": "unit price", "cinema": "run time"}
_SHOWN = {"bazaar": "title", "cinema": "genre"}
_MOST = 30_000


class Shop(NamedTuple):
    """A copy of a shop, whose store a test may write to, with a recommender over it."""

    path: Path
    recommender: Recommender


def load(built: Built, path: Path, **serving: Any) -> Recommender:
    content = yaml.safe_load((path / "recommender.yaml").read_text())
    (path.parent / "live.yaml").write_text(yaml.safe_dump({**content, "serving": serving}))
    return Recommender.load(
        path, spec=path.parent / "live.yaml", artefacts=built.project.artefacts, clock=lambda: built.at
    )


@pytest.fixture
def shop(built: Built, tmp_path: Path) -> Iterator[Shop]:
    path = tmp_path / "repo"
    shutil.copytree(built.path, path, ignore=shutil.ignore_patterns("artefacts"))
    number = _NUMBER[built.name]
    recommender = load(
        built,
        path,
        deadline="60s",
        live=[number, f"{_VIEW[built.name]}:{_SHOWN[built.name]}"],
        filters={"few": {"where": f'"{number}" < {_MOST}'}},
    )
    yield Shop(path, recommender)
    recommender.close()


def write(built: Built, shop: Shop, *items: Any, **values: Any) -> None:
    """Change some of the items' values in the online store, and leave the others as they are."""
    store = FeatureStore(repo_path=str(shop.path))
    rows = pd.DataFrame([_row(built, shop, item, **values) for item in items])
    store.write_to_online_store(_VIEW[built.name], rows)


def _row(built: Built, shop: Shop, item: Any, **values: Any) -> dict[str, Any]:
    state, view = shop.recommender.state, _VIEW[built.name]
    row = built.project.repo.online(state.schema.item, [item], at=built.at).to_pylist()[0]
    held = {
        f.column: pd.Timestamp(row[f.name]) if f.dtype.base == "timestamp" else row[f.name]
        for f in state.schema.item.fetched
        if f.view == view
    }
    time = built.project.repo.catalogue.views[view].source.timestamp
    key = {state.schema.item.key.name: item, time: pd.Timestamp(built.at)}
    return {**key, **held, **values}


def test_live_features_are_shown_as_they_are_now_and_filters_hold_for_them(built: Built, shop: Shop) -> None:
    recommender, (query,), name = shop.recommender, busiest(built, 1), _SHOWN[built.name]
    before = recommender.recommend(query, k=5)
    first = before.items[0]
    old = first.display[name]
    write(built, shop, first.item, **{name: "quite new", _NUMBER[built.name]: _MOST + 1})
    after = recommender.recommend(query, k=5)
    assert keys(after) == keys(before)
    assert after.items[0].display[name] == "quite new"
    assert after.degraded == ()
    for filters in ({name: old}, {"few": True}, {name: {"not": ["quite new"]}}):
        found = recommender.recommend(query, k=5, filters=filters)
        assert first.item not in keys(found)
        # As many others stand in its place as there are.
        assert len(found.items) == 5 or found.degraded == ("too_few_items",)
    again = recommender.recommend(query, k=5, filters={"few": True}, diversity={"caps": {name: 2}})
    assert first.item not in keys(again)
    assert len(again.items) == 5


def test_similar_items_are_shown_and_filtered_as_they_are_now(built: Built, shop: Shop) -> None:
    recommender, name = shop.recommender, _SHOWN[built.name]
    item = recommender.state.items.keys[0].as_py()
    before = recommender.similar(item, k=9)
    changed = next(found for found in before.items if found.display[name] is not None)
    write(built, shop, changed.item, **{name: "quite new", _NUMBER[built.name]: _MOST + 1})
    after = recommender.similar(item, k=9)
    assert keys(after) == keys(before)
    assert after.items[keys(after).index(changed.item)].display[name] == "quite new"
    for filters in ({name: changed.display[name]}, {"few": True}):
        found = recommender.similar(item, k=9, filters=filters)
        assert changed.item not in keys(found)
        assert len(found.items) == 9 or found.degraded == ("too_few_items",)


def test_where_more_fall_than_were_read_to_spare_further_candidates_take_their_places(
    built: Built, shop: Shop
) -> None:
    recommender, (query,) = shop.recommender, busiest(built, 1)
    best, item = keys(recommender.recommend(query, k=45)), recommender.state.items.keys[0].as_py()
    near = keys(recommender.similar(item, k=45, exclude=best))
    write(built, shop, *best, *near, **{_NUMBER[built.name]: _MOST + 1})
    for ask, who in ((recommender.recommend, query), (recommender.similar, item)):
        found = ask(who, k=8, filters={"few": True})
        assert not {*keys(found)} & {*best, *near}
        assert (len({*keys(found)}), found.degraded) == (8, ())
    told = recommender.similar(item, k=8, filters={"few": True}, exclude=[*best, *near])
    assert keys(found) == keys(told)
    left = len({*recommender.state.items.keys.to_pylist()} - {*best, *near, item})
    for ask, who in ((recommender.recommend, query), (recommender.similar, item)):
        found = ask(who, k=left + 9, filters={"few": True})
        assert not {*keys(found)} & {*best, *near}
        assert (0 < len(found.items) < left + 9, found.degraded) == (True, ("too_few_items",))


def test_where_the_time_for_more_is_over_the_answer_has_what_was_found_and_says_so(
    built: Built, shop: Shop
) -> None:
    state, (query,) = shop.recommender.state, busiest(built, 1)
    best = keys(shop.recommender.recommend(query, k=27))
    write(built, shop, *best, **{_NUMBER[built.name]: _MOST + 1})
    request = read_request(state, (query,), Wishes(k=8, filters={"few": True}), at=built.at)
    reader, reads = Reader(1), iter([True, False])

    def once(wanted: pa.Array) -> pa.Table | None:
        return reader.read_items(state, request, wanted) if next(reads) else None

    (found,) = answer(state, request, reader.read(state, request), read_items=once)
    reader.close()
    assert not {*keys(found)} & {*best}
    assert len(found.items) < 8
    assert found.degraded == ("too_few_items", "live_features_unavailable")


def test_without_the_store_the_snapshot_stands_and_the_answer_says_so(built: Built, shop: Shop) -> None:
    (shop.path / "data" / "online_store.db").unlink()
    answer = shop.recommender.recommend(busiest(built, 1)[0], k=5)
    held = column(shop.recommender, _SHOWN[built.name])
    for found in (answer, shop.recommender.similar(keys(answer)[0], k=5)):
        assert "live_features_unavailable" in found.degraded
        assert [item.display[_SHOWN[built.name]] for item in found.items] == [held[k] for k in keys(found)]
        assert len(found.items) == 5


def test_a_live_feature_that_is_none_is_named(built: Built) -> None:
    with pytest.raises(RegistryError, match=r"serving\.live\.0: no item feature 'colour'"):
        load(built, built.path, live=["colour"])
