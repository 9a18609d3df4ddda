"""The online store answers what the offline store does for the same entities at the same moment."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from feast import FeatureStore
from feast.types import Int64, String

from tests.dataset.views import (
    HOUR,
    NAMES,
    NUMBERS,
    SHAPES,
    START,
    Version,
    asked_rows,
    side_of,
    write_files,
    write_repo,
)
from tfrs_mtl.dataset.point_in_time import features_as_of
from tfrs_mtl.store import FeatureRepo, open_repo

_AT = 100 * HOUR
_SECOND = 1_000_000
_FULL = {
    "whole": 2**53 - 1,
    "small": -5,
    "real": 0.1,
    "double": 0.1,
    "flag": False,
    "text": "",
    "moment": 1_234_567 * _SECOND + 654_321,
    "wholes": [2**53 + 1, -(2**63)],
    "reals": [0.1, -2.0],
    "texts": ["", "ü"],
}
_NULL = dict.fromkeys(_FULL)
_EMPTY: dict[str, Any] = {**_NULL, "wholes": [], "reals": [], "texts": [], "double": math.nan}

_VALUES = [_FULL, _EMPTY, _NULL]
_BIG: dict[str, dict[str, Any]] = {"forever": {"whole": 2**53 + 1}}
"""Feast materialises whole numbers through float64, unless none beside them is null."""


def _ages(name: str) -> list[int]:
    """Ages in microseconds of four entities' last version: fresh, on the TTL's border, past it, far past."""
    ttl = (SHAPES[name].ttl or timedelta(days=3)) // timedelta(microseconds=1)
    return [0, ttl, ttl + _SECOND, 2 * ttl]


def _files() -> dict[str, list[Version]]:
    files: dict[str, list[Version]] = {}
    for name in SHAPES:
        rows = []
        for key, age in enumerate(_ages(name)):
            for n, (earlier, written) in enumerate(((age, 5 * HOUR), (age, HOUR), (age + HOUR, 9 * HOUR))):
                values = {**_VALUES[(key + n) % 3], **_BIG.get(name, {})}
                if SHAPES[name].has_created or written != HOUR:
                    rows.append(Version(key, _AT - earlier, written, values))
        files[name] = rows
    return files


Made = tuple[FeatureRepo, Sequence[int | str]]


@pytest.fixture(scope="module", params=["sqlite-number", "sqlite-name", "redis-number", "redis-name"])
def materialised(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    store, _, kind = request.param.partition("-")
    online = "{type: sqlite, path: online.db}"
    if store == "redis":
        online = f"{{type: redis, connection_string: '{request.getfixturevalue('redis_address')}'}}"
    root: Path = tmp_path_factory.mktemp(request.param)
    key_type, keys = (Int64, NUMBERS) if kind == "number" else (String, NAMES)
    write_files(root, _files(), keys, pa.timestamp("us", tz="UTC"))
    write_repo(root, key_type, online=online, project=f"views_{uuid.uuid4().hex[:8]}")
    feast = FeatureStore(str(root))
    feast.materialize(_moment(-1000 * HOUR), _moment(_AT))
    yield open_repo(root), keys
    feast.teardown()


def _moment(time: int) -> datetime:
    return datetime.fromtimestamp(0, timezone.utc) + timedelta(microseconds=START + time)


def _plain(table: pa.Table) -> dict[str, list[Any]]:
    """Feast's online stores have no NaN: it comes back as null."""
    columns = table.to_pydict()
    return {n: [None if v != v else v for v in column] for n, column in columns.items()}


@pytest.mark.services
def test_online_equals_offline_in_every_value_null_and_expiry(materialised: Made) -> None:
    repo, keys = materialised
    side = side_of(repo.catalogue, "all")
    order = [3, 0, 4, 1, 2, 0]
    online = repo.online(side, [keys[n] for n in order], at=_moment(_AT))
    offline = features_as_of(repo, side, asked_rows([(n, _AT) for n in order], keys))
    assert online.schema == offline.schema
    assert _plain(online) == _plain(offline)
    held = {name: sum(v is not None for v in column) for name, column in online.to_pydict().items()}
    assert min(held[name] for name in ("hours__texts", "mapped__moment", "alias__text")) > 0
    assert online["forever__whole"][1].as_py() == 2**53 + 1


@pytest.mark.services
def test_a_value_expires_while_it_lies_in_the_online_store(materialised: Made) -> None:
    repo, keys = materialised
    side = side_of(repo.catalogue, "all")
    for later in (_SECOND, 5 * HOUR, 24 * HOUR, 48 * HOUR):
        online = repo.online(side, list(keys), at=_moment(_AT + later))
        asked = asked_rows([(n, _AT + later) for n in range(len(keys))], keys)
        assert _plain(online) == _plain(features_as_of(repo, side, asked))


def test_no_keys_give_every_column_without_a_row(materialised: Made) -> None:
    repo, _ = materialised
    side = side_of(repo.catalogue, "all")
    found = repo.online(side, [], at=_moment(_AT))
    assert len(found) == 0
    assert found.schema == features_as_of(repo, side, asked_rows([], [1])).schema


@pytest.mark.services
def test_entities_that_nobody_knows_are_all_null(materialised: Made) -> None:
    repo, keys = materialised
    unknown = [keys[4], 12345 if isinstance(keys[0], int) else "nobody"]
    found = repo.online(side_of(repo.catalogue, "all"), unknown, at=_moment(_AT))
    assert all(column == [None, None] for column in found.to_pydict().values())
