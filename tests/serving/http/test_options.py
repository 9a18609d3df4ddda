"""Rules and diversity over HTTP do what they do in process, and their mistakes are named by key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving import Recommender
from serving.http import HttpSettings, create_app
from tests.e2e.built import Built
from tests.serving.loaded import CATEGORY, NUMBER, busiest, load


@pytest.fixture(scope="module")
def ruled(built: Built) -> Iterator[Recommender]:
    where = f'"{NUMBER[built.name]}" IS NOT NULL'
    rules = {
        "hero": {"action": "pin", "where": where, "positions": [1], "default": False},
        "less": {"action": "bury", "where": where, "factor": 0.5, "default": False},
    }
    loaded = load(built, deadline="60s", rules=rules)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def ruled_client(ruled: Recommender) -> TestClient:
    return TestClient(create_app(HttpSettings(), recommender=ruled))


def _items(client: TestClient, **body: Any) -> list[tuple[Any, float]]:
    came = client.post("/recommend", json=body)
    assert came.status_code == 200, came.text
    return [(item["item"], item["score"]) for item in came.json()["items"]]


def test_rules_and_diversity_are_those_of_the_recommender(
    built: Built, ruled: Recommender, ruled_client: TestClient
) -> None:
    (query,) = busiest(built, 1)
    name = CATEGORY[built.name]
    plain, changed = _items(ruled_client, query=query, k=6), 0
    wishes: list[dict[str, Any]] = [
        {"rules": {"hero": True, "less": True}},
        {"diversity": {"mmr": 0.7, "pool": 30}},
        {"diversity": {"caps": {name: 1}}},
        {"rules": {"less": True}, "diversity": {"mmr": 0.3, "caps": {name: 2}}},
    ]
    for wish in wishes:
        over_http = _items(ruled_client, query=query, k=6, **wish)
        in_process = [(item.item, item.score) for item in ruled.recommend(query, k=6, **wish).items]
        assert over_http == in_process
        changed += over_http != plain
        batch = ruled_client.post("/recommend/batch", json={"queries": [query], "k": 6, **wish}).json()
        assert [item["item"] for item in batch["answers"][0]["items"]] == [key for key, _ in over_http]
    assert changed >= 3


@pytest.mark.parametrize(
    ("wish", "key", "message"),
    [
        ({"rules": {"heroo": True}}, "rules", "no rule 'heroo'; did you mean 'hero'"),
        ({"rules": {"hero": "yes"}}, "rules.hero", "valid boolean"),
        ({"diversity": {"mmr": 1.5}}, "diversity.mmr", "less than or equal to 1"),
        ({"diversity": {"caps": {"colour": 1}}}, "diversity.caps", "no item feature 'colour'"),
        ({"diversity": {"pol": 3}}, "diversity.pol", "Extra inputs are not permitted"),
    ],
)
def test_a_rule_or_diversity_without_sense_is_named(
    built: Built, ruled_client: TestClient, wish: dict[str, Any], key: str, message: str
) -> None:
    came = ruled_client.post("/recommend", json={"query": busiest(built, 1)[0], **wish})
    assert came.status_code == 422
    (error,) = came.json()["errors"]
    assert error["key"] == key
    assert message in error["message"]
