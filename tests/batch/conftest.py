"""The databases and the small file system that the sinks are tested against."""

from tests.services import mariadb_url, postgres_url, small_disk  # noqa: F401 - fixtures
