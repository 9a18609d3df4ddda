"""Connections to the online store that come back: Feast keeps its own, even where it leads nowhere."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from feast import FeatureStore
from feast.infra.provider import get_provider

_PAUSE = 1.0


class Connection:
    """One to read by and one to write by, renewed after a failure and where sqlite's file was replaced.

    Some of Feast's stores never open a second connection after a restart of their server; and sqlite reads on
    from a file that was deleted, without an error. While no other file is in its place, it may.
    """

    def __init__(self, store: FeatureStore) -> None:
        self._store = store
        self._file = _sqlite_file(store)
        self._identity = _identity(self._file)
        self._renewed = 0.0
        self._writer: Any = None  # the provider to write by
        self._writes = Lock()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read by a connection to what is there now; after a failure the registry is read anew, too."""
        self._follow()
        try:
            yield
        except Exception:
            if time.monotonic() - self._renewed > _PAUSE:
                self._renew()
                with suppress(Exception):  # a file registry may have been read while another process wrote it
                    self._store.refresh_registry()
            raise

    @contextmanager
    def writing(self) -> Iterator[FeatureStore]:
        """Yield the store with a connection that nobody reads by, to one thread at a time.

        Many threads read by the other. Were it written by too, sqlite would say "database is locked" at once
        where another process has written since one of them began to read, and mix up their statements.
        """
        self._follow()
        with self._writes:
            self._writer = self._writer or get_provider(self._store.config)
            store = copy.copy(self._store)  # with the registry that it has by now
            store._provider = self._writer
            try:
                yield store
            except Exception:
                self._writer = None
                raise

    def _follow(self) -> None:
        """Connect anew where another file is in the place of sqlite's."""
        found = _identity(self._file)
        if found is not None and found != self._identity:
            self._identity, self._writer = found, None
            self._renew()

    def _renew(self) -> None:
        """Have the next read connect anew; those under way keep what they hold."""
        self._renewed = time.monotonic()
        # Nothing public lets go of it. A new provider, not None: other threads read meanwhile.
        self._store._provider = get_provider(self._store.config)


def _sqlite_file(store: FeatureStore) -> Path | None:
    online = store.config.online_store
    path = getattr(online, "path", None)
    is_sqlite = str(getattr(online, "type", "")).rpartition(".")[2] in ("sqlite", "SqliteOnlineStore")
    return Path(store.config.repo_path or ".") / path if is_sqlite and isinstance(path, str) else None


def _identity(file: Path | None) -> tuple[int, int] | None:
    try:
        found = None if file is None else file.stat()
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)
