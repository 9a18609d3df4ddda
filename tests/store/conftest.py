"""The servers behind Feast that the door is tested on."""

from tests.services import postgres_url, redis_address  # noqa: F401 - fixtures
