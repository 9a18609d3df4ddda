"""The small file system that the store is tested on."""

from tests.services import small_disk  # noqa: F401 - a fixture
