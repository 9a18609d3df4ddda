"""A connection to the online store that comes back: Feast keeps its own, even where it leads nowhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from feast import FeatureStore
from feast.infra.provider import get_provider

_PAUSE = 1.0


class Connection:
    """A connection, renewed after a failed read (the registry too), and where sqlite's file was replaced.

    Some of Feast's stores never open a second connection after a restart of their server; and sqlite reads on
    from a file that was deleted, without an error. While no other file is in its place, it may.
    """

    def __init__(self, store: FeatureStore) -> None:
        self._store = store
        self._file = _sqlite_file(store)
        self._identity = _identity(self._file)
        self._renewed = 0.0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read by a connection to what is there now."""
        found = _identity(self._file)
        if found is not None and found != self._identity:
            self._identity = found
            self._renew()
        try:
            yield
        except Exception:
            if time.monotonic() - self._renewed > _PAUSE:
                self._renew()
                with suppress(Exception):  # a file registry may have been read while another process wrote it
                    self._store.refresh_registry()
            raise

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
