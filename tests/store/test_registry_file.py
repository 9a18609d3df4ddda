"""A file registry is read whole, though Feast writes it anew in place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
import yaml
from feast import Entity, FeatureStore, ValueType

from tfrs_mtl.errors import StoreError
from tfrs_mtl.store import open_repo


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    config = {
        "project": "shop",
        "provider": "local",
        "registry": "registry.db",
        "offline_store": {"type": "duckdb"},
        "online_store": {"type": "sqlite", "path": "online.db"},
        "entity_key_serialization_version": 3,
    }
    (tmp_path / "feature_store.yaml").write_text(yaml.safe_dump(config))
    entities = [Entity(name=f"e{n}", value_type=ValueType.INT64, description="x" * 50) for n in range(20)]
    FeatureStore(repo_path=str(tmp_path)).apply(entities)
    return tmp_path


@contextmanager
def being_written(file: Path, share: float) -> Iterator[None]:
    """As while Feast writes: a share of it is there, the rest comes in a moment."""
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    writing = Timer(0.03, file.write_bytes, (whole,))
    writing.start()
    yield
    writing.join()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_what_is_being_written_is_read_when_it_is_whole(repo: Path, share: float) -> None:
    first = open_repo(repo)
    with being_written(repo / "registry.db", share):
        assert len(first.catalogue.entities) == 20
    with being_written(repo / "registry.db", share):
        assert len(first.reopened().catalogue.entities) == 20
    with being_written(repo / "registry.db", share):
        assert len(open_repo(repo).catalogue.entities) == 20


def test_a_registry_that_stays_damaged_is_an_error_of_the_store(repo: Path) -> None:
    opened, file = open_repo(repo), repo / "registry.db"
    assert len(opened.catalogue.entities) == 20
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(StoreError, match="the registry cannot be read: DecodeError"):
        opened.reopened()
