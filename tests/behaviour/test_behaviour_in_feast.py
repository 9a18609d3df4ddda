"""Feast itself reads what we write: file and directory, offline and online, NaN inside arrays."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from tests.behaviour.declared import QUERY, TIME, column, events_table, view
from tfrs_mtl.behaviour import build_view
from tfrs_mtl.spec import BehaviourView

DECLARED = BehaviourView.model_validate(
    {
        "of": ["query", "item"],
        "features": {
            "n": {"measure": "count", "window": "30d"},
            "mean": {"measure": "mean", "column": "owner"},
        },
    }
)


def day(number: int) -> datetime:
    return datetime(2024, 1, number, tzinfo=timezone.utc)


@pytest.mark.filterwarnings("ignore")  # Feast's and ibis' own
@pytest.mark.parametrize("name", ["pairs.parquet", "parts"])
def test_feast_reads_snapshots_offline_and_online(tmp_path: Path, name: str) -> None:
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
    from feast.data_format import ParquetFormat
    from feast.types import Array, Float32, Int64, String

    made = view(tmp_path / name, DECLARED, key=column("who", "Int64"), keys=column("order", "Array(String)"))
    events = [
        {QUERY: 1, "order": "a", TIME: day(1), "owner": 2.5},
        {QUERY: 1, "order": "a", TIME: day(2), "owner": None},
        {QUERY: 1, "order": "b", TIME: day(3), "owner": None},
        {QUERY: 2, "order": None, TIME: day(1), "owner": 1.0},
    ]
    for until in (3, 5):
        build_view(
            made, DECLARED, events=events_table(events), every=timedelta(days=1), until=day(until), now=day(6)
        )
    (tmp_path / "feature_store.yaml").write_text(
        f"project: p\nprovider: local\nregistry: {tmp_path}/r.db\noffline_store: {{type: duckdb}}\n"
        f"online_store: {{type: sqlite, path: {tmp_path}/o.db}}\nentity_key_serialization_version: 3\n"
    )
    source = FileSource(
        name="s", path=str(made.source.path), file_format=ParquetFormat(), timestamp_field="at time",
        created_timestamp_column="made", field_mapping=dict(made.source.renames),
    )  # fmt: skip
    who = Entity(name="who", join_keys=["who"], value_type=ValueType.INT64)
    fields = [Field(name=n, dtype=Array(t)) for n, t in (("order", String), ("n", Int64), ("mean", Float32))]
    features = FeatureView(
        name="v",
        entities=[who],
        schema=[Field(name="who", dtype=Int64), *fields],
        source=source,
        ttl=timedelta(0),
    )
    store = FeatureStore(str(tmp_path))
    store.apply([who, features])
    asked = pd.DataFrame({"who": [1, 2, 1], "event_timestamp": [day(5), day(5), day(2)]})
    names = ["v:order", "v:n", "v:mean"]
    table: pa.Table = store.get_historical_features(asked, names).to_arrow()
    offline = {
        (r["who"], r["event_timestamp"].day): (r["order"], r["n"], r["mean"]) for r in table.to_pylist()
    }
    assert offline[1, 2] == (["a"], [1], [2.5])
    assert offline[2, 5] == ([], [], [])
    store.materialize(day(1), day(6))
    online = store.get_online_features(names, [{"who": 1}, {"who": 2}]).to_dict()
    for order, counts, means in (offline[1, 5], (online["order"][0], online["n"][0], online["mean"][0])):
        assert (order, counts) == (["a", "b"], [2, 1])
        assert means[0] == 2.5
        assert math.isnan(means[1])
    assert (online["order"][1], online["n"][1], online["mean"][1]) == ([], [], [])
