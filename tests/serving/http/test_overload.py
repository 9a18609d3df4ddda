"""More requests than a process answers at a time are refused, and those that run are not disturbed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving import Answer, Recommender
from serving.http import HttpSettings, create_app
from tests.e2e.built import Built
from tests.serving.loaded import busiest


class _Waiting:
    """A recommender that answers when it is told to."""

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender
        self.asked, self.going = Event(), Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._recommender, name)

    async def recommend_async(self, *arguments: Any, **options: Any) -> Answer:
        self.asked.set()
        while not self.going.is_set():
            await asyncio.sleep(0.01)
        return await self._recommender.recommend_async(*arguments, **options)


@pytest.fixture
def waiting(recommender: Recommender) -> _Waiting:
    return _Waiting(recommender)


@pytest.fixture
def client(waiting: _Waiting) -> Iterator[TestClient]:
    app = create_app(HttpSettings(max_in_flight=1), recommender=waiting)  # type: ignore[arg-type]
    with TestClient(app) as opened:
        yield opened


def _counts(client: TestClient) -> dict[str, float]:
    """What Prometheus is told of refused requests; Feast has the tests of a process count together."""
    wanted = ("tfrs_mtl_refused_requests_total", 'tfrs_mtl_requests_total{route="/recommend",status="503"}')
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(wanted)]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_what_finds_no_room_is_told_to_come_again_and_is_counted(
    built: Built, waiting: _Waiting, client: TestClient
) -> None:
    body = {"query": busiest(built, 1)[0], "k": 2}
    item, before = built.shop.items.keys[0].as_py(), _counts(client)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.post, "/recommend", json=body)
        assert waiting.asked.wait(20)
        refused = client.post("/recommend", content=b"not even JSON")
        assert client.get(f"/similar/{item}").status_code == 503
        assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200] * 3
        waiting.going.set()
        assert running.result(20).status_code == 200
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"].startswith("1 requests are being answered already")
    assert client.post("/recommend", json=body).status_code == 200
    assert client.get(f"/similar/{item}").status_code == 200
    for name, count in _counts(client).items():
        assert count == before.get(name, 0) + 1, name


def test_a_request_that_failed_gives_its_place_back(client: TestClient, waiting: _Waiting) -> None:
    waiting.going.set()
    assert [client.post("/recommend", json={}).status_code for _ in range(3)] == [422] * 3
