"""Both shops, each brought all the way once for all end-to-end tests."""

from __future__ import annotations

import pytest

from tests.e2e.built import Built, build
from tests.services import postgres_url, small_disk  # noqa: F401 - fixtures
from tests.shops import SHOPS


@pytest.fixture(scope="session", params=sorted(SHOPS))
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A trained shop; tests read it and write elsewhere."""
    return build(request.param, tmp_path_factory.mktemp(request.param) / "repo")
