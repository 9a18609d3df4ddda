"""Events told over HTTP reach the recommender, each with what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient

from serving import Recommender
from serving.http import HttpSettings, create_app
from tests.e2e.built import Built
from tests.serving.copies import copy_of

_MET: dict[str, dict[str, Any]] = {"bazaar": {"ordered": 1}, "cinema": {"click": 1}}
_BECAME = {"bazaar": ["uncounted"], "cinema": ["fresh"]}  # the bazaar knows nothing of a session


@pytest.fixture
def recording(built: Built, tmp_path: Path) -> Iterator[TestClient]:
    path, spec = copy_of(built, tmp_path / "repo"), tmp_path / "recording.yaml"
    content = yaml.safe_load((path / "recommender.yaml").read_text())
    spec.write_text(yaml.safe_dump({**content, "serving": {"record": True}}))
    loaded = Recommender.load(path, spec=spec, artefacts=built.project.artefacts, clock=lambda: built.at)
    yield TestClient(create_app(HttpSettings(max_batch=1), recommender=loaded))
    loaded.close()


def test_what_was_told_is_known_from_then_on(built: Built, recording: TestClient) -> None:
    query, item = (str(keys[0].as_py()) for keys in (built.shop.queries.keys, built.shop.items.keys))
    event = {"query": query, "item": item, "at": built.at.isoformat(), "values": _MET[built.name]}
    assert recording.post("/events", json={"events": [event]}).json() == {"outcomes": _BECAME[built.name]}
    again = recording.post("/events", json={"events": [event]}).json()["outcomes"]
    assert again == (["known"] if built.name == "cinema" else ["uncounted"])
    wrong = recording.post("/events", json={"events": [{**event, "values": {"colour": 1}}]})
    assert (wrong.status_code, wrong.json()["errors"][0]["key"]) == (422, "events.0.values.colour")
    many = recording.post("/events", json={"events": [event, event]})
    assert (many.status_code, many.json()["detail"]) == (422, "events: expected at most 1, got 2")


def test_where_nothing_is_recorded_it_says_so(built: Built, client: TestClient) -> None:
    event = {"query": built.shop.queries.keys[0].as_py(), "item": built.shop.items.keys[0].as_py()}
    came = client.post("/events", json={"events": [event]})
    assert (came.status_code, came.headers["content-type"]) == (422, "application/problem+json")
    assert "`serving.record` is off" in came.json()["detail"]
