"""The examples that embed a recommender in a backend answer, refuse what makes no sense, and close."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.e2e.built import Built

_WRONG = {"bazaar": "twelve", "cinema": 12}


@pytest.fixture(autouse=True)
def repo(built: Built, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The shop in the environment; what an example leaves for the end of the process is done at once."""
    monkeypatch.setenv("FEATURE_REPO", str(built.path))
    closing: list[Any] = []
    monkeypatch.setattr("atexit.register", closing.append)
    yield
    for close in closing:
        close()


def _fastapi(built: Built) -> Iterator[Any]:
    with TestClient(importlib.import_module("examples.embed.with_fastapi").app) as client:
        yield lambda wish: client.post("/recommendations", json=wish)


def _flask(built: Built) -> Iterator[Any]:
    client = importlib.import_module("examples.embed.with_flask").create_app().test_client()
    yield lambda wish: client.post("/recommendations", json=wish)


def _django(built: Built) -> Iterator[Any]:
    module = importlib.import_module("examples.embed.with_django")
    module.recommender.cache_clear()  # Django is configured once a process, the shops are two
    from django.test import Client

    yield lambda wish: Client().post("/recommendations", wish, content_type="application/json")


@pytest.mark.parametrize("framework", [_fastapi, _flask, _django])
def test_an_embedded_recommender_answers_and_refuses(built: Built, framework: Any) -> None:
    query = built.shop.queries.keys[0].as_py()
    for ask in framework(built):
        response = ask({"query": query, "k": 3})
        answer = response.json if isinstance(response.json, dict) else response.json()
        assert response.status_code == 200
        assert (answer["query"], answer["versions"]["bundle"]) == (query, built.bundle)
        assert len({item["item"] for item in answer["items"]}) == 3
        for wish, message in (
            ({"query": query, "k": 0}, b"k: "),
            ({"query": _WRONG[built.name]}, b"query: "),
        ):
            refused = ask(wish)
            assert refused.status_code == 400
            assert message in (refused.data if hasattr(refused, "data") else refused.content)
