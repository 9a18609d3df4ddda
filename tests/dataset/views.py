"""Random feature views over parquet, in a Feast repo that is applied once and whose files are rewritten."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.data_source import DataSource
from feast.types import Array, Bool, FeastType, Float32, Float64, Int32, Int64, String, UnixTimestamp
from hypothesis import strategies as st

from tfrs_mtl.schema import Catalogue, Feature, Side

HOUR = 3_600_000_000
START = 1_700_000_000_000_000
"""Some moment of 2023, in microseconds."""
MOMENT = pa.timestamp("us", tz="UTC")
NUMBERS = [0, -7, 2**53 + 1, 2**53 + 2, 2**62 + 3]
NAMES = ["", "a", "A", "ß/'x\"", "2"]
STAMPS = [pa.timestamp("us", tz="UTC"), pa.timestamp("us"), pa.timestamp("ns"), pa.timestamp("ns", tz="UTC")]

FIELDS: Mapping[str, tuple[FeastType, pa.DataType]] = {
    "whole": (Int64, pa.int64()),
    "small": (Int32, pa.int32()),
    "real": (Float32, pa.float32()),
    "double": (Float64, pa.float64()),
    "flag": (Bool, pa.bool_()),
    "text": (String, pa.string()),
    "moment": (UnixTimestamp, MOMENT),
    "wholes": (Array(Int64), pa.list_(pa.int64())),
    "reals": (Array(Float32), pa.list_(pa.float32())),
    "texts": (Array(String), pa.list_(pa.string())),
}
_WHOLES = [0, -1, 2**53 + 1, 2**63 - 1, -(2**63)]
_REALS = [0.0, -1.5, 3.0000000054977558e38, 1.401298464324817e-45, math.inf, -math.inf]
POOLS: Mapping[str, Sequence[Any]] = {
    "whole": [None, *_WHOLES],
    "small": [None, 0, -(2**31), 2**31 - 1],
    "real": [None, *_REALS],
    "double": [None, 0.1, *_REALS, 1.7e308],
    "flag": [None, True, False],
    "text": [None, "", "x", "ünï", "a b"],
    "moment": [None, 0, -(10**15), 1_700_000_000_123_456],
    "wholes": [None, [], [2**53 + 1], _WHOLES],
    "reals": [None, [], [0.5], _REALS],
    "texts": [None, [], [""], ["x", "", "ü"]],
}
"""Values worth trying, by field."""


@dataclass(frozen=True)
class Shape:
    """How one view is declared.

    Attributes:
        renames: whether the source calls key and features otherwise.
        key: the view's own name of the join key.
    """

    ttl: timedelta | None
    has_created: bool = False
    renames: bool = False
    key: str = "asker"


SHAPES: Mapping[str, Shape] = {
    "forever": Shape(None, has_created=True),
    "days": Shape(timedelta(days=2), renames=True),
    "hours": Shape(timedelta(hours=5), has_created=True, renames=True),
    "mapped": Shape(timedelta(days=1), key="person"),
}


def raw_name(shape: Shape, name: str) -> str:
    """Return what the source calls a column of the view."""
    return f"the {name}" if shape.renames else name


def side_of(catalogue: Catalogue, service: str) -> Side:
    """Return a side that fetches all of a service, keyed by ``asker``."""
    found = catalogue.services[service]
    features = tuple(
        Feature(f"{s.name}__{c.name}", s.name, c.name, c.dtype, "ignore")
        for s in found.selections
        for c in s.columns
    )
    return Side("asker", catalogue.views["forever"].keys[0], found, features, features)


def write_repo(
    root: Path,
    key_type: FeastType,
    *,
    offline: str = "{type: duckdb}",
    online: str = "{type: sqlite, path: online.db}",
    project: str = "views",
    source: Callable[[Path, str, Shape], DataSource] | None = None,
) -> None:
    """Apply a repo whose service ``all`` selects every view, one renamed, one mapped, one of them twice."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "feature_store.yaml").write_text(
        f"project: {project}\nprovider: local\nregistry: registry.db\noffline_store: {offline}\n"
        f"online_store: {online}\nentity_key_serialization_version: 3\n"
    )
    value_type = ValueType.INT64 if key_type == Int64 else ValueType.STRING
    entities = {key: Entity(name=key, join_keys=[key], value_type=value_type) for key in ("asker", "person")}
    sources = {name: (source or file_source)(root, name, shape) for name, shape in SHAPES.items()}
    views = {name: _view(name, shape, sources[name], entities, key_type) for name, shape in SHAPES.items()}
    service = FeatureService(
        name="all",
        features=[
            views["forever"],
            views["days"][["text", "wholes"]].with_name("alias"),
            views["hours"],
            views["mapped"].with_join_key_map({"person": "asker"}),
        ],
    )
    FeatureStore(str(root)).apply([*entities.values(), *views.values(), service])


def file_source(root: Path, name: str, shape: Shape) -> DataSource:
    """Return a view's parquet source."""
    return FileSource(path=str(root / f"{name}.parquet"), **source_options(name, shape))


def source_options(name: str, shape: Shape) -> dict[str, Any]:
    """Return what the sources of a view have in common, whatever the store."""
    renames = {raw_name(shape, n): n for n in (shape.key, *FIELDS)} if shape.renames else None
    return {
        "name": f"{name}_source",
        "timestamp_field": "at",
        "created_timestamp_column": "written" if shape.has_created else "",
        "field_mapping": renames,
    }


def _view(
    name: str, shape: Shape, source: DataSource, entities: Mapping[str, Entity], key_type: FeastType
) -> FeatureView:
    fields = [Field(name=n, dtype=t) for n, (t, _) in FIELDS.items()]
    return FeatureView(
        name=name,
        entities=[entities[shape.key]],
        ttl=shape.ttl,
        schema=[Field(name=shape.key, dtype=key_type), *fields],
        source=source,
    )


@dataclass(frozen=True)
class Version:
    """One row of a view: which key, when (microseconds after START), written when, with which values."""

    key: int
    at: int
    written: int | None
    values: Mapping[str, Any]


# Whole hours meet the TTLs' borders and one another; a microsecond beside them is just in or out.
_TIMES = st.builds(
    lambda hour, beside: hour * HOUR + beside, st.integers(0, 24), st.sampled_from([0, 0, 0, -1, 1])
)


@st.composite
def versions(draw: st.DrawFn, has_created: bool) -> list[Version]:
    """Draw a view's rows; two that nothing tells apart are not drawn, as Feast picks one of them at will."""
    written = st.none() | _TIMES if has_created else st.none()
    row = st.builds(Version, st.integers(0, 3), _TIMES, written, st.integers(0, 999).map(values_of))
    size = draw(st.integers(0, 20))
    rows = draw(st.lists(row, min_size=size, max_size=size))
    return list({(v.key, v.at, v.written): v for v in rows}.values())


def values_of(seed: int) -> dict[str, Any]:
    """Return a value or null for every field, by a seed: to draw each by itself would leave few rows."""
    chance = random.Random(seed)
    return {name: chance.choice(pool) for name, pool in POOLS.items()}


FILES = st.fixed_dictionaries({name: versions(shape.has_created) for name, shape in SHAPES.items()})
"""The rows of every view."""


@st.composite
def asked_of(draw: st.DrawFn, files: Mapping[str, Sequence[Version]]) -> list[tuple[int, int]]:
    """Draw rows to ask for, which key and when: at any time, and just when a version begins or expires."""
    near = [
        (row.key, row.at + age + beside)
        for name, rows in files.items()
        for row in rows
        for age in {0, (SHAPES[name].ttl or timedelta(0)) // timedelta(microseconds=1)}
        for beside in (-1, 0, 1)
    ]
    one = st.tuples(st.integers(0, 4), _TIMES)
    size = draw(st.integers(1, 40))
    return draw(st.lists(st.sampled_from(near) | one if near else one, min_size=size, max_size=size))


_clock = count(1_600_000_000)


def write_files(
    root: Path, files: Mapping[str, Sequence[Version]], keys: Sequence[int | str], stamp: pa.DataType
) -> None:
    """Write every view's rows as parquet, event times in the type ``stamp``."""
    for name, rows in files.items():
        path = root / f"{name}.parquet"
        path.unlink(missing_ok=True)
        pq.write_table(as_table(SHAPES[name], rows, keys, stamp), path)
        # DuckDB keeps what it read of a file of the same size and time.
        os.utime(path, (next(_clock),) * 2)


def as_table(
    shape: Shape, rows: Sequence[Version], keys: Sequence[int | str], stamp: pa.DataType = MOMENT
) -> pa.Table:
    """Return a view's rows under the names of its source."""
    key_type = pa.int64() if isinstance(keys[0], int) else pa.string()
    columns = {raw_name(shape, shape.key): pa.array([keys[r.key] for r in rows], key_type)}
    columns["at"] = moments([r.at + START for r in rows], stamp)
    if shape.has_created:
        columns["written"] = moments([None if r.written is None else r.written + START for r in rows], stamp)
    for name, (_, kind) in FIELDS.items():
        columns[raw_name(shape, name)] = pa.array([r.values[name] for r in rows], kind)
    return pa.table(columns)


def moments(times: Sequence[int | None], stamp: pa.DataType = MOMENT) -> pa.Array:
    """Return microseconds as timestamps of any type; nanoseconds get some to spare."""
    scaled = times if stamp.unit == "us" else [None if t is None else t * 1000 + 999 for t in times]
    return pa.array(scaled, pa.int64()).cast(pa.timestamp(stamp.unit)).cast(stamp)


def asked_rows(asked: Sequence[tuple[int, int]], keys: Sequence[int | str]) -> pa.Table:
    """Return the rows to ask for; the last key has no history."""
    key_type = pa.int64() if isinstance(keys[0], int) else pa.string()
    return pa.table(
        {
            "asker": pa.array([keys[key] for key, _ in asked], key_type),
            "event_timestamp": moments([time + START for _, time in asked]),
        }
    )
