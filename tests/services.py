"""What tests need of the machine: a fixture for each server, skipped where it is absent, failing on CI.

A directory's conftest.py names the ones it uses: ``from tests.services import postgres_url  # noqa: F401``.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError


def absent(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"CI must have it: {what}")
    pytest.skip(what)


def _database(variable: str, default: str) -> str:
    url = os.environ.get(variable, default)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.connect():
            return url
    except (SQLAlchemyError, ImportError) as error:
        absent(f"no answer from {engine.url!r} (set {variable}): {error}")
    return url


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """SQLAlchemy URL of a PostgreSQL database that tests may fill."""
    return _database("TFRS_MTL_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


@pytest.fixture(scope="session")
def mariadb_url() -> str:
    """SQLAlchemy URL of a MariaDB or MySQL database that tests may fill."""
    return _database("TFRS_MTL_TEST_MARIADB_URL", "mysql+pymysql://root@127.0.0.1:3306/test")


@pytest.fixture(scope="session")
def redis_address() -> str:
    """``host:port`` of a Redis server that tests may fill; the form of Feast's ``connection_string``."""
    address = os.environ.get("TFRS_MTL_TEST_REDIS", "127.0.0.1:6379")
    host, _, port = address.partition(":")
    try:
        with socket.create_connection((host, int(port or 6379)), timeout=2) as connection:
            connection.sendall(b"PING\r\n")
            if connection.recv(16).startswith(b"+PONG"):
                return address
            absent(f"{address} does not answer like Redis (set TFRS_MTL_TEST_REDIS)")
    except OSError as error:
        absent(f"no answer from Redis at {address} (set TFRS_MTL_TEST_REDIS): {error}")
    return address


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, where this process may mount one; else skipped, on CI too."""
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mount)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs the command mount")
    if done.returncode:
        pytest.skip(f"needs the right to mount a tmpfs: {done.stderr.strip()}")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)
