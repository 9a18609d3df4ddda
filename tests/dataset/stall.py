"""A shop of a few rows, whose events and features a test gives as tables; its parquet may be written anew."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Array, Float32, Int64, String

from tfrs_mtl.dataset.shop import Shop, open_shop
from tfrs_mtl.project import open_project

DAY = 86_400_000_000
START = 1_704_067_200_000_000
"""2024-01-01."""
SPLIT = {"validation": "2024-03-01", "test": "2024-03-15", "end": "2024-04-01"}
VALIDATION, TEST, END = 60, 74, 91
"""The same, in days after START."""
MOMENT = pa.timestamp("us", tz="UTC")

TABLES: dict[str, pa.Schema] = {
    "events": pa.schema(
        [
            ("user", pa.int64()),
            ("thing", pa.string()),
            ("at", MOMENT),
            ("bought", pa.int64()),
            ("paid", pa.float32()),
            ("shelf", pa.string()),
        ]
    ),
    "users": pa.schema(
        [
            ("user", pa.int64()),
            ("at", MOMENT),
            ("age", pa.int64()),
            ("city", pa.string()),
            ("last", pa.list_(pa.string())),
            ("last_ages", pa.list_(pa.float32())),
        ]
    ),
    "things": pa.schema(
        [
            ("thing", pa.string()),
            ("at", MOMENT),
            ("price", pa.float32()),
            ("tags", pa.list_(pa.string())),
            ("title", pa.string()),
        ]
    ),
}
_SPEC: dict[str, Any] = {
    "version": 1,
    "name": "stall",
    "query": {"entity": "user", "features": "of_users"},
    "item": {"entity": "thing", "features": "of_things", "display": ["title"]},
    "interactions": {"view": "events", "context": ["shelf"]},
    "split": SPLIT,
    "inputs": {
        "title": {"kind": "text"},
        "last": {"kind": "history", "ages": "last_ages"},
        "price": {"buckets": 3},
    },
    "ranking": {
        "tasks": [
            {"name": "buy", "kind": "binary", "label": "bought"},
            {"name": "spend", "kind": "regression", "label": "paid", "when": "buy"},
        ],
        "negatives": {"popular": 2, "uniform": 2, "own": 1, "window": "7d"},
    },
}
_clock = count(1_500_000_000)


def write_tables(root: Path, tables: dict[str, Sequence[dict[str, Any]]]) -> None:
    """Write each table's rows as parquet; their ``at`` is in days after START."""
    for name, rows in tables.items():
        path = root / f"{name}.parquet"
        path.unlink(missing_ok=True)
        timed = [{**row, "at": START + round(row["at"] * DAY)} for row in rows]
        pq.write_table(pa.Table.from_pylist(timed, TABLES[name]), path)
        # DuckDB keeps what it read of a file of the same size and time.
        os.utime(path, (next(_clock),) * 2)


def write_repo(root: Path, tables: dict[str, Sequence[dict[str, Any]]]) -> None:
    """Write data, definitions and recommender.yaml, and apply."""
    write_tables(root, tables)
    (root / "recommender.yaml").write_text(yaml.safe_dump(_SPEC))
    (root / "feature_store.yaml").write_text(
        "project: stall\nprovider: local\nregistry: registry.db\noffline_store: {type: duckdb}\n"
        "online_store: {type: sqlite, path: online.db}\nentity_key_serialization_version: 3\n"
    )
    user = Entity(name="user", join_keys=["user"], value_type=ValueType.INT64)
    thing = Entity(name="thing", join_keys=["thing"], value_type=ValueType.STRING)
    events = _view(root, "events", [user, thing], bought=Int64, paid=Float32, shelf=String)
    users = _view(root, "users", [user], age=Int64, city=String, last=Array(String), last_ages=Array(Float32))
    things = _view(root, "things", [thing], price=Float32, tags=Array(String), title=String)
    services = [
        FeatureService(name="of_users", features=[users]),
        FeatureService(name="of_things", features=[things]),
    ]
    FeatureStore(str(root)).apply([user, thing, events, users, things, *services])


def _view(root: Path, name: str, entities: list[Entity], **columns: Any) -> FeatureView:
    source = FileSource(name=f"{name}_source", path=str(root / f"{name}.parquet"), timestamp_field="at")
    keys = [Field(name=e.join_key, dtype=Int64 if e.name == "user" else String) for e in entities]
    fields = [Field(name=n, dtype=t) for n, t in columns.items()]
    return FeatureView(name=name, entities=entities, ttl=None, schema=[*keys, *fields], source=source)


def open_stall(root: Path) -> Shop:
    """Read the shop as its files are now."""
    project = open_project(root)
    return open_shop(project.repo, project.schema)
