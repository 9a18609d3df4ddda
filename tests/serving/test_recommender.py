"""What a recommender answers, whatever is asked of it and whatever the data is like."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving import Recommender
from tests.e2e.built import Built
from tests.serving.bundles import copied
from tests.serving.loaded import CATEGORY, NUMBER, UNKNOWN, busiest, column, keys, load, read_by_feast
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.errors import BundleError, RequestError, SpecError, UserError


@pytest.fixture(scope="module")
def recommender(built: Built) -> Iterator[Recommender]:
    loaded = load(built)
    yield loaded
    loaded.close()


def test_many_queries_at_once_get_what_each_gets_alone(built: Built, recommender: Recommender) -> None:
    queries = [*busiest(built), UNKNOWN[built.name]]
    for query, answer in zip(queries, recommender.recommend_many(queries), strict=True):
        alone = recommender.recommend(query)
        assert (answer.query, keys(answer)) == (query, keys(alone))
        assert answer.degraded == alone.degraded
    assert recommender.recommend_many([]) == ()


def test_awaited_it_answers_the_same(built: Built, recommender: Recommender) -> None:
    (query,) = busiest(built, 1)
    assert asyncio.run(recommender.recommend_async(query, k=3)) == recommender.recommend(query, k=3)


def test_many_awaited_at_once_answer_the_same_and_a_request_without_sense_raises(
    built: Built, recommender: Recommender
) -> None:
    queries = busiest(built)

    async def ask() -> tuple[Any, ...]:
        batches = (queries, queries, [])
        asked = [recommender.recommend_many_async(batch, k=3) for batch in batches]
        refused = recommender.recommend_many_async(queries, k=0)
        return tuple(await asyncio.gather(*asked, refused, return_exceptions=True))

    once, again, nothing, refused = asyncio.run(ask())
    assert once == again == recommender.recommend_many(queries, k=3)
    assert nothing == ()
    assert isinstance(refused, RequestError)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_forked_after_the_load_is_told_so_and_does_not_hang(
    built: Built, recommender: Recommender, tmp_path: Path
) -> None:
    (query,), said = busiest(built, 1), tmp_path / "said"
    child = os.fork()
    if child == 0:
        try:
            recommender.close()
            recommender.recommend(query)
        except UserError as error:
            said.write_text(str(error))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    told = f"was loaded in process {os.getpid()}, before the fork of process {child}"
    assert told in said.read_text()
    assert recommender.recommend(query).items


def test_an_unknown_query_gets_what_is_popular_and_a_known_one_beside_it_does_not(
    built: Built, recommender: Recommender
) -> None:
    known, unknown = recommender.recommend_many([*busiest(built, 1), UNKNOWN[built.name]])
    assert (known.degraded, unknown.degraded) == ((), ("unknown_query",))
    assert {item.sources for item in unknown.items} == {("popular",)}
    assert all("popular" not in item.sources for item in known.items)


def test_excluded_items_do_not_come_whichever_source_names_them(
    built: Built, recommender: Recommender
) -> None:
    for query in [*busiest(built), UNKNOWN[built.name]]:
        before = keys(recommender.recommend(query))
        after = recommender.recommend(query, exclude=before[:4])
        assert not set(before[:4]) & set(keys(after))
        assert len(after.items) == len(before)


def test_a_filter_lets_through_what_holds_and_fills_k_with_it(built: Built, recommender: Recommender) -> None:
    name = CATEGORY[built.name]
    values = column(recommender, name)
    wanted = recommender.recommend(busiest(built, 1)[0])
    kind = next(values[key] for key in keys(wanted) if values[key] is not None)
    there = sum(value == kind for value in values.values())
    for query in [*busiest(built, 3), UNKNOWN[built.name]]:
        only = recommender.recommend(query, k=8, filters={name: kind})
        assert {values[key] for key in keys(only)} == {kind}
        assert len(only.items) == min(8, there)
        others = recommender.recommend(query, k=8, filters={name: {"not": [kind]}})
        assert kind not in {values[key] for key in keys(others)}


def test_bounds_are_inclusive_and_null_is_within_none(built: Built, recommender: Recommender) -> None:
    name = NUMBER[built.name]
    values = {key: value for key, value in column(recommender, name).items() if value is not None}
    low, high = np.quantile(list(values.values()), [0.3, 0.6], method="nearest").tolist()
    answer = recommender.recommend(busiest(built, 1)[0], k=9000, filters={name: {"min": low, "max": high}})
    assert set(keys(answer)) <= {key for key, value in values.items() if low <= value <= high}
    assert {low, high} <= {values[key] for key in keys(answer)} or len(answer.items) == 60
    assert answer.degraded == ("too_few_items",)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"colour": "red"}, "no item feature or filter 'colour'"),
        ({"NUMBER": {"least": 3}}, "expected some of min, max and not"),
        ({"NUMBER": "cheap"}, "expected Float"),
        ({"NUMBER": None}, "expected Float"),
    ],
)
def test_a_filter_without_sense_is_refused_with_what_would_be_right(
    built: Built, recommender: Recommender, filters: dict[str, Any], message: str
) -> None:
    given = {NUMBER[built.name] if name == "NUMBER" else name: value for name, value in filters.items()}
    with pytest.raises(RequestError, match=message):
        recommender.recommend(busiest(built, 1)[0], filters=given)


def test_the_specs_own_filters_hold_by_default_and_a_request_switches_them(built: Built) -> None:
    name = NUMBER[built.name]
    where = f'"{name}" < 20'
    recommender = load(built, filters={"cheap": {"where": where, "default": True}})
    prices, query = column(recommender, name), busiest(built, 1)[0]
    cheap = keys(recommender.recommend(query, k=9000))
    everything = keys(recommender.recommend(query, k=9000, filters={"cheap": False}))
    assert cheap
    assert set(cheap) == {key for key in everything if prices[key] is not None and prices[key] < 20}
    assert set(everything) == set(prices)
    recommender.close()


def test_an_option_that_does_not_exist_is_refused_with_the_nearest(
    built: Built, recommender: Recommender
) -> None:
    with pytest.raises(RequestError, match="no option 'filter'; did you mean 'filters'"):
        recommender.recommend(busiest(built, 1)[0], filter={})  # type: ignore[call-arg]


@pytest.mark.parametrize("where", ["no_such_column > 1", "1 = ", "(SELECT count(*) FROM '/etc/passwd') > 0"])
def test_a_filter_that_is_no_expression_over_the_items_is_named(built: Built, where: str) -> None:
    with pytest.raises(SpecError, match=r"serving\.filters\.bad\.where"):
        load(built, filters={"bad": {"where": where}})


def test_what_was_met_of_late_is_left_out_by_its_age(built: Built, recommender: Recommender) -> None:
    history = built.project.schema.history
    strict = load(built, met_within="3650d")
    for query in busiest(built):
        rows = (
            recommender.state.project.repo.online(built.project.schema.query, [query], at=built.at)
            if history
            else None
        )
        met = set(rows.column(history.name)[0].as_py() or ()) if history and rows is not None else set()
        assert not met & set(keys(strict.recommend(query, k=9000)))
        assert met <= set(keys(recommender.recommend(query, k=9000)))
    strict.close()


def test_why_adds_up_to_the_score_and_names_the_sources(built: Built, recommender: Recommender) -> None:
    weights = {built.tasks[0]: 0.7, built.tasks[-1]: 0.1}
    for query in [*busiest(built, 3), UNKNOWN[built.name]]:
        answer = recommender.recommend(query, weights=weights, explain=True)
        for item in answer.items:
            assert item.why is not None
            score, inputs = sum(item.why.contributions.values()), item.why.inputs.values()
            assert score == pytest.approx(item.score, rel=1e-5)
            assert abs(item.why.baseline + sum(inputs) - score) <= 0.03 * sum(map(abs, inputs)) + 1e-6
            assert list(map(abs, inputs)) == sorted(map(abs, inputs), reverse=True)
            assert set(item.why.contributions) == set(weights)
            assert tuple(item.why.sources) == item.sources
            assert item.why.snapshot_age == 0
        assert recommender.recommend(query).items[0].why is None


def test_sources_have_their_quotas_and_an_item_keeps_all_that_named_it(built: Built) -> None:
    recommender = load(built, sources={"towers": 0, "own": 0, "popular": 12, "similar": 10})
    answer = recommender.recommend(busiest(built, 1)[0], k=9000)
    named = {source for item in answer.items for source in item.sources}
    assert named == ({"popular"} if built.name == "bazaar" else {"popular", "similar"})
    assert sum("popular" in item.sources for item in answer.items) == 12
    recommender.close()


def test_similar_items_are_the_nearest_of_all_and_not_the_item_itself(
    built: Built, recommender: Recommender
) -> None:
    state = recommender.state
    vectors = state.vectors(np.arange(state.size, dtype=np.int32))
    for row in (0, 7):
        item = state.items.keys[row].as_py()
        nearest = [n for n in np.argsort(-(vectors @ vectors[row]), kind="stable") if n != row][:5]
        assert keys(recommender.similar(item, k=5)) == [state.items.keys[int(n)].as_py() for n in nearest]
    gone = "gone" if built.name == "bazaar" else -1
    assert recommender.similar(gone, k=5).degraded == ("unknown_item",)


def test_an_old_snapshot_says_so(built: Built) -> None:
    recommender = load(built, stale_after="1h")
    (query,) = busiest(built, 1)
    assert recommender.recommend(query).degraded == ()
    later = built.at.replace(hour=built.at.hour + 2)
    assert recommender.recommend(query, at=later).degraded == ("stale_snapshot",)
    item = recommender.state.items.keys[0].as_py()
    assert recommender.similar(item).degraded == ()
    assert recommender.similar(item, at=later).degraded == ("stale_snapshot",)
    recommender.close()


def test_a_locked_store_costs_the_deadline_and_no_more_and_recovers(built: Built) -> None:
    recommender = load(built, deadline="100ms")
    asked = busiest(built, 3)
    assert recommender.recommend(asked[0], at=built.at).items
    with closing(sqlite3.connect(built.path / "data" / "online_store.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        start = time.perf_counter()
        answers = recommender.recommend_many(asked)
        seconds = time.perf_counter() - start
        other.execute("ROLLBACK")
    reason = () if built.name == "bazaar" else ("store_timeout",)
    assert {answer.degraded for answer in answers} == {reason}
    assert all(len(answer.items) == 10 for answer in answers)
    assert seconds < 2
    deadline = time.monotonic() + 20
    while recommender.recommend(asked[0]).degraded and time.monotonic() < deadline:
        time.sleep(0.2)
    assert recommender.recommend(asked[0]).degraded == ()
    recommender.close()


def test_a_swap_changes_the_bundle_and_a_corrupt_one_leaves_the_old_one_answering(
    built: Built, tmp_path: Path
) -> None:
    shutil.copytree(built.project.artefacts, tmp_path / "artefacts")
    store = BundleStore(tmp_path / "artefacts" / "bundles")
    old = store.open()
    fresh = copied(store, old.id)
    recommender = Recommender.load(
        built.path, bundle=old.id, artefacts=tmp_path / "artefacts", clock=lambda: built.at
    )
    (query,) = busiest(built, 1)
    assert recommender.swap(fresh) == fresh
    assert recommender.recommend(query).versions.bundle == fresh
    (store.root / old.id / "ranking.weights.npz").write_bytes(b"broken")
    with pytest.raises(BundleError, match="ranking"):
        recommender.swap(old.id)
    assert recommender.recommend(query).versions.bundle == fresh
    assert recommender.status().counts["swap_failures"] == 1
    recommender.close()


def test_a_refresh_reads_what_feast_serves(built: Built) -> None:
    recommender = load(built)
    before, (query,) = recommender.recommend(busiest(built, 1)[0]).versions, busiest(built, 1)
    version = recommender.refresh()
    state = recommender.state
    assert recommender.recommend(query).versions.snapshot == version != before.snapshot
    for name, served in read_by_feast(built.path, recommender).items():
        assert state.items.frame.columns[name].to_pylist() == served, name
    recommender.close()
