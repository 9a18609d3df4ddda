"""Both shops, each brought all the way once for the tests of serving."""

from __future__ import annotations

from tests.e2e.conftest import built  # noqa: F401 - fixture
from tests.services import redis_address  # noqa: F401 - fixture
