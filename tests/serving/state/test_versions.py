"""Bundles side by side: rolled back, in an experiment's arms, in the shadow of another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import Answer, Recommender, Wishes
from serving.answering import answer
from serving.beside import Shadow
from serving.log import Entry, read_log
from serving.request import read_request
from serving.status import Counters
from tests.e2e.built import Built
from tests.serving.bundles import copied, negate_ranking
from tests.serving.loaded import busiest, keys, load
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.errors import BundleError

_QUERIES = 12


@pytest.fixture(scope="module")
def artefacts(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artefacts of their own, with a copy of the shop's bundle as the current one."""
    root = tmp_path_factory.mktemp("versions")
    (root / "bundles").mkdir()
    (root / "bundles" / built.bundle).symlink_to(built.bundles / built.bundle)
    BundleStore(root / "bundles").promote(built.bundle)
    return root


@pytest.fixture(scope="module")
def turned(built: Built, artefacts: Path) -> str:
    """A bundle that ranks otherwise."""
    return copied(BundleStore(artefacts / "bundles"), built.bundle, change=negate_ranking)


@pytest.fixture(scope="module")
def alone(built: Built, artefacts: Path) -> Iterator[Recommender]:
    """One bundle at a time."""
    loaded = load(built, artefacts=artefacts)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def expected(built: Built, alone: Recommender, turned: str) -> dict[str, list[Answer]]:
    """Bundle -> what it alone answers to the busiest queries."""
    found = {built.bundle: list(alone.recommend_many(busiest(built, _QUERIES)))}
    alone.swap(turned)
    found[turned] = list(alone.recommend_many(busiest(built, _QUERIES)))
    return found


@pytest.fixture(scope="module")
def in_arms(built: Built, artefacts: Path, turned: str) -> Iterator[Recommender]:
    arms = {"a": {"share": 0.5}, "b": {"bundle": turned, "share": 0.5}}
    loaded = load(
        built,
        artefacts=artefacts,
        experiment={"name": "turn", "arms": arms},
        shadow={"bundle": turned, "every": "1ms"},
        log={"share": 1.0, "every": "1ms"},
    )
    yield loaded
    loaded.close()


def waited(recommender: Recommender, name: str, amount: int) -> None:
    """Wait until so much was counted."""
    end = time.monotonic() + 20
    while recommender.status().counts.get(name, 0) < amount:
        assert time.monotonic() < end, recommender.status().counts
        time.sleep(0.01)


def test_each_query_gets_the_answer_of_its_arm_in_whichever_company(
    built: Built, in_arms: Recommender, turned: str, expected: dict[str, list[Answer]]
) -> None:
    queries = busiest(built, _QUERIES)
    bundles = {"a": built.bundle, "b": turned}
    answers = in_arms.recommend_many(queries)
    assert {each.versions.arm for each in answers} == {"a", "b"}
    for place, (query, found) in enumerate(zip(queries, answers, strict=True)):
        arm, bundle = found.versions.arm, found.versions.bundle
        assert (found.query, bundle) == (query, bundles[arm or ""])
        assert keys(found) == keys(expected[bundle][place])
        assert in_arms.recommend(query).versions == found.versions
    assert keys(expected[built.bundle][0]) != keys(expected[turned][0])


def test_the_arm_stands_in_the_log(built: Built, in_arms: Recommender, artefacts: Path) -> None:
    before = in_arms.status().counts.get("logged", 0)
    answers = {a.query: a for a in in_arms.recommend_many(busiest(built, _QUERIES))}
    waited(in_arms, "logged", before + _QUERIES)
    rows = read_log(artefacts / "log").to_pylist()
    assert {row["arm"] for row in rows} == {"a", "b"}
    assert all(row["arm"] == answers[row["query"]].versions.arm for row in rows)


def test_a_shadow_that_cannot_answer_costs_nothing_and_is_counted(built: Built, in_arms: Recommender) -> None:
    counters, state, wishes = Counters(), in_arms.state, Wishes(at=built.at)
    request = read_request(state, busiest(built, 1), wishes, at=built.at)
    asked = in_arms._reader.read(state, request)
    entry = Entry(state, request, asked, answer(state, request, asked))
    shadow = Shadow(counters, in_arms._reader)
    shadow.offer(state, entry, Wishes(weights={"no task": 1.0}))
    shadow.close()
    assert counters.snapshot() == {"shadow_failures": 1}


def test_a_shadow_is_asked_the_same_and_what_differs_is_written_down(
    built: Built, in_arms: Recommender, turned: str, artefacts: Path, expected: dict[str, list[Answer]]
) -> None:
    queries = busiest(built, _QUERIES)
    before = in_arms.status().counts.get("shadowed", 0)
    answers = {answer.request_id: answer for answer in in_arms.recommend_many(queries)}
    waited(in_arms, "shadowed", before + _QUERIES)
    in_arms.close()  # all is written then
    rows = [row for row in read_log(artefacts / "shadow").to_pylist() if row["request_id"] in answers]
    assert len(rows) == _QUERIES
    for row in rows:
        place = queries.index(row["query"])
        own, other = keys(expected[row["bundle"]][place]), keys(expected[turned][place])
        assert (row["items"], row["shadow_items"], row["shadow"]) == (own, other, turned)
        assert (row["k"], row["common"]) == (len(own), len(set(own) & set(other)))
        if row["bundle"] == turned:
            assert (row["rank_difference"], row["score_difference"]) == (0.0, pytest.approx(0.0, abs=1e-6))
    counts = in_arms.status().counts
    assert 0 < counts["shadow_common"] < counts["shadow_items"]


def test_an_arm_without_its_bundle_is_named(built: Built, artefacts: Path) -> None:
    arms = {"a": {"share": 0.5}, "b": {"bundle": "none", "share": 0.5}}
    with pytest.raises(BundleError, match=r"serving\.experiment\.arms\.b\.bundle: .*no bundle 'none'"):
        load(built, artefacts=artefacts, experiment={"name": "x", "arms": arms})


def test_a_rollback_goes_to_the_bundle_before_for_every_process(
    built: Built, alone: Recommender, artefacts: Path, turned: str, expected: dict[str, list[Answer]]
) -> None:
    store = BundleStore(artefacts / "bundles")
    store.promote(turned)
    assert alone.state.bundle == turned
    assert alone.rollback() == built.bundle
    assert (store.current, alone.status().bundle) == (built.bundle, built.bundle)
    assert keys(alone.recommend(busiest(built, 1)[0])) == keys(expected[built.bundle][0])
    with pytest.raises(BundleError, match="no bundle was current before"):
        alone.rollback()
    assert alone.state.bundle == built.bundle
