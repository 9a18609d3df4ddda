"""A file registry, read whole: Feast writes it anew in place whenever something is materialised."""

from __future__ import annotations

import time

from feast import FeatureStore
from feast.infra.registry.file import FileRegistryStore
from feast.infra.registry.registry import get_registry_store_class_from_scheme
from feast.protos.feast.core.Registry_pb2 import Registry
from google.protobuf.message import DecodeError

_PAUSES = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Seconds; a registry of thousands of views is written within the first few."""


class WholeFileRegistryStore(FileRegistryStore):
    """Feast's own, but patient: while another process writes, the file is empty or half there for a moment.

    Feast looks at the file's time at every request, so requests meet that moment.
    """

    def get_registry_proto(self) -> Registry:
        """Return what the file holds once it is whole.

        Raises:
            DecodeError: it is damaged, and stays so.
            FileNotFoundError: there is none.
        """
        for pause in _PAUSES:
            found = self._if_whole()
            if found is not None:
                return found
            time.sleep(pause)
        return _parsed(self._filepath.read_bytes())

    def _if_whole(self) -> Registry | None:
        try:
            content = self._filepath.read_bytes()
            found = _parsed(content)
            longer = self._filepath.stat().st_size != len(content)
        except DecodeError:
            return None
        # Feast stamps every registry that it writes.
        return None if longer or not found.version_id else found


def _parsed(content: bytes) -> Registry:
    found = Registry()
    found.ParseFromString(content)
    return found


def read_whole(store: FeatureStore) -> None:
    """Have a store whose registry is a file, and not read yet, read it whole."""
    config = store.config.registry
    by_scheme = config.registry_type == "file" and config.registry_store_type is None
    if by_scheme and get_registry_store_class_from_scheme(config.path) is FileRegistryStore:
        config.registry_store_type = f"{__name__}.{WholeFileRegistryStore.__name__}"
