"""A built shop's repo over another online store, which a test may fill, change and break."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from feast import FeatureStore
from feast.protos.feast.core.Registry_pb2 import Registry
from feast.protos.feast.types.Value_pb2 import Value

from tests.e2e.built import Built

_BEFORE = timedelta(days=2000)
PRICE = {
    "bazaar": ("article_facts", "unit price", Value(double_val=0.5)),
    "cinema": ("film_status", "price", Value(float_val=0.5)),
}
"""View, column and another value of an item's price, as the online store holds it."""


def elsewhere(built: Built, root: Path, *, emptied: bool = True, **serving: Any) -> Path:
    """Write the same repo over an online store of its own, from which the items are read too."""
    (root / "data").mkdir(parents=True)
    for name in ("feature_store.yaml", "data/online_store.db"):
        shutil.copyfile(built.path / name, root / name)
    registry = Registry.FromString((built.path / "data" / "registry.db").read_bytes())
    for view in registry.feature_views:
        del view.meta.materialization_intervals[:]
    (root / "data" / "registry.db").write_bytes(registry.SerializeToString())
    spec = yaml.safe_load((built.path / "recommender.yaml").read_text())
    (root / "recommender.yaml").write_text(yaml.safe_dump({**spec, "serving": {"refresh": "1h", **serving}}))
    for (table,) in execute(root, "SELECT name FROM sqlite_master WHERE type = 'table'") if emptied else ():
        execute(root, f'DELETE FROM "{table}"')
    return root


def execute(root: Path, sql: str, *values: Any) -> list[Any]:
    """Run one statement on the online store's file."""
    with closing(sqlite3.connect(root / "data" / "online_store.db")) as db, db:
        return db.execute(sql, values).fetchall()


def materialise(root: Path, until: datetime) -> None:
    """Fill the online store up to a moment, by Feast."""
    FeatureStore(repo_path=str(root)).materialize(until - _BEFORE, until)
