"""A recommender of each shop behind the application, at the shop's present."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from serving import Recommender
from serving.http import HttpSettings, create_app
from tests.e2e.built import Built


@pytest.fixture(scope="session")
def recommender(built: Built) -> Iterator[Recommender]:
    loaded = Recommender.load(built.path, clock=lambda: built.at)
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def client(recommender: Recommender) -> Iterator[TestClient]:
    with TestClient(create_app(HttpSettings(), recommender=recommender)) as opened:
        yield opened
