"""WAL mode is set once and persists, whether the online store exists already or not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import click
import pytest

from examples.sqlite_wal import enable_wal


def _repo(path: Path, online: str) -> Path:
    (path / "feature_store.yaml").write_text(f"project: shop\nonline_store: {online}\n")
    return path


def test_a_missing_store_is_made_in_wal_mode_and_stays_so(tmp_path: Path) -> None:
    file = enable_wal(_repo(tmp_path, "{type: sqlite, path: data/online.db}"))
    assert file == tmp_path / "data" / "online.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE rows (n INTEGER)")
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_another_kind_of_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="redis"):
        enable_wal(_repo(tmp_path, "{type: redis}"))
