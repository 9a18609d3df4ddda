"""One query's answer, from the online store, and what it says when something is amiss."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from serving import Recommender
from tests.e2e.built import Built
from tfrs_mtl.dataset.frames import query_frame
from tfrs_mtl.dataset.interactions import microseconds
from tfrs_mtl.errors import RequestError

_CONTEXT = {"bazaar": ("phone=true", "phone=perhaps"), "cinema": ("device=tv", None)}


def _query(built: Built) -> str:
    """The query that interacted most."""
    counts = np.bincount(built.shop.query_codes)
    return str(built.shop.queries.keys[int(counts.argmax())].as_py())


def _at(built: Built) -> tuple[str, str]:
    return "--at", built.at.isoformat()


def test_a_query_gets_k_different_items_with_a_prediction_of_every_task(built: Built) -> None:
    answer = built.json("recommend", *_at(built), "--k", "7", _query(built))
    assert answer["degraded"] == []
    assert answer["versions"]["bundle"] == built.bundle
    assert len({item["item"] for item in answer["items"]}) == 7
    assert all(set(item["predictions"]) == set(built.tasks) for item in answer["items"])
    scores = [item["score"] for item in answer["items"]]
    assert scores == sorted(scores, reverse=True)


def test_people_are_shown_the_names_of_items(built: Built) -> None:
    answer = built.json("recommend", *_at(built), _query(built))
    names = list(built.project.spec.item.display)
    assert all(list(item["display"]) == names for item in answer["items"])
    shown = built.run("recommend", *_at(built), _query(built)).stdout
    assert all(name in shown for name in (*names, "score"))
    assert all(str(item["item"]) in shown for item in answer["items"])
    assert max(map(len, shown.splitlines())) <= 120


def test_an_unknown_query_gets_what_is_popular(built: Built) -> None:
    unknown = "424242" if built.name == "bazaar" else "nobody"
    answer = built.json("recommend", *_at(built), unknown)
    assert answer["degraded"] == ["unknown_query"]
    assert len(answer["items"]) == built.project.spec.batch.k
    assert "unknown query" in built.run("recommend", *_at(built), unknown).stdout


def test_a_key_of_the_wrong_type_is_the_users_mistake(built: Built) -> None:
    recommender = Recommender.load(built.path)
    with pytest.raises(RequestError, match="expected int" if built.name == "bazaar" else "expected str"):
        recommender.recommend("twelve" if built.name == "bazaar" else 12)
    if built.name == "bazaar":
        done = built.run("recommend", "twelve")
        assert (done.exit_code, done.stdout) == (2, "")
        assert "'session_id' is Int64; got 'twelve'" in done.stderr


def test_a_k_beyond_the_catalogue_brings_the_catalogue_and_a_senseless_one_is_refused(built: Built) -> None:
    answer = built.json("recommend", *_at(built), "--k", "9000", _query(built))
    assert len(answer["items"]) == len({item["item"] for item in answer["items"]})
    assert len(answer["items"]) == len(built.shop.items)
    assert answer["degraded"] == ["too_few_items"]
    for k in ("0", "-3", "10000000"):
        assert built.run("recommend", "--k", k, _query(built)).exit_code == 2


def test_context_is_read_by_its_type_and_an_unknown_name_refused_with_the_valid_ones(built: Built) -> None:
    good, bad = _CONTEXT[built.name]
    plain = built.json("recommend", *_at(built), _query(built))
    with_context = built.json("recommend", *_at(built), "--context", good, _query(built))
    assert plain["items"] != with_context["items"]
    for wrong, message in (("colour=red", good.partition("=")[0]), ("colour", "NAME=VALUE"), (bad, "Bool")):
        if wrong is not None:
            done = built.run("recommend", "--context", wrong, _query(built))
            assert done.exit_code == 2
            assert message in done.stderr


def test_long_after_the_data_it_says_how_to_ask_as_of_then(built: Built) -> None:
    done = built.run("recommend", "--json", _query(built))
    assert done.exit_code == 0
    assert f"--at {built.at:%Y-%m-%d}" in done.stderr


@pytest.fixture
def without_store(built: Built) -> Iterator[Path]:
    store, aside = built.path / "data" / "online_store.db", built.path / "data" / "online_store.aside"
    store.rename(aside)
    yield store
    store.unlink(missing_ok=True)
    shutil.move(aside, store)


def test_without_the_online_store_there_is_an_answer_that_says_so(built: Built, without_store: Path) -> None:
    answer = built.json("recommend", *_at(built), _query(built))
    assert len(answer["items"]) == built.project.spec.batch.k
    # The bazaar reads nothing of a session.
    assert answer["degraded"] == ([] if built.name == "bazaar" else ["store_unavailable"])


def test_a_query_in_a_batch_gets_what_it_gets_alone(built: Built) -> None:
    recommender = Recommender.load(built.path)
    schema, scorer = built.project.schema, recommender.state.scorer
    keys = built.shop.queries.keys.slice(0, 40)
    frame = query_frame(built.project.repo, schema, keys, np.full(40, microseconds(built.at), np.int64))
    together = scorer.recommend(frame)
    for row in range(0, 40, 7):
        alone = scorer.recommend(frame.slice(row, 1))
        np.testing.assert_array_equal(alone.rows[0], together.rows[row])
        np.testing.assert_allclose(alone.scores[0], together.scores[row], rtol=1e-5)
