"""Another store behind Feast: the views' rows lie in PostgreSQL, and every answer is the one over parquet."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
import sqlalchemy as sa
from feast.data_source import DataSource
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
from feast.types import Int64

from tests.dataset.views import (
    FIELDS,
    HOUR,
    NUMBERS,
    SHAPES,
    START,
    Shape,
    Version,
    as_table,
    asked_rows,
    moments,
    raw_name,
    side_of,
    source_options,
    write_files,
    write_repo,
)
from tfrs_mtl.dataset.point_in_time import features_as_of
from tfrs_mtl.errors import DataError, StoreError
from tfrs_mtl.store import FeatureRepo, open_repo

pytestmark = pytest.mark.services

_FULL: dict[str, Any] = {
    "whole": 2**53 - 1,
    "small": 7,
    "real": 0.5,
    "double": 0.1,
    "flag": True,
    "text": "ü",
    "moment": 10**15,
    "wholes": [2**53 + 1],
    "reals": [0.5],
    "texts": ["a", ""],
}
_NULL: dict[str, Any] = dict.fromkeys(_FULL)
_EMPTY = {**_NULL, "wholes": [], "reals": [], "texts": []}
_ASKED = [
    (0, 50),
    (0, 10),
    (0, 50),
    (4, 50),
    (1, 31),
    (1, 30),
    (2, 0),
    (2, 3),
    (2, 6),
    (0, 4),
    (3, 60),
    (0, 50),
]


def _rows(shape: Shape) -> list[Version]:
    """Five keys: several versions, ties told apart by the writing time, one only in the future."""
    found = [
        Version(0, hour * HOUR, hour, v) for hour, v in ((3, _FULL), (9, _NULL), (48, _EMPTY), (49, _FULL))
    ]
    found += [Version(1, 30 * HOUR, 0, _NULL), Version(2, HOUR, 0, _FULL), Version(3, 100 * HOUR, 0, _FULL)]
    if shape.has_created:
        found += [Version(1, 30 * HOUR, 5, _FULL), Version(1, 30 * HOUR, 2, _EMPTY)]
    return found


class Stores(NamedTuple):
    postgres: FeatureRepo
    files: FeatureRepo


_SQL_TYPES = {
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.float32(): "REAL",
    pa.float64(): "DOUBLE PRECISION",
    pa.bool_(): "BOOLEAN",
    pa.string(): "TEXT",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


def _sql_type(kind: pa.DataType) -> str:
    return f"{_SQL_TYPES[kind.value_type]}[]" if pa.types.is_list(kind) else _SQL_TYPES[kind]


def _write(connection: sa.Connection, name: str, table: pa.Table) -> None:
    columns = ", ".join(f'"{field.name}" {_sql_type(field.type)}' for field in table.schema)
    connection.execute(sa.text(f'CREATE TABLE "{name}" ({columns})'))
    places = ", ".join(f":p{n}" for n in range(table.num_columns))
    rows = [{f"p{n}": v for n, v in enumerate(row.values())} for row in table.to_pylist()]
    connection.execute(sa.text(f'INSERT INTO "{name}" VALUES ({places})'), rows)


@pytest.fixture(scope="module")
def stores(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    url, schema = sa.engine.make_url(postgres_url), f"views_{uuid.uuid4().hex[:8]}"
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA {schema}"))
        connection.execute(sa.text(f"SET search_path TO {schema}"))
        for name, shape in SHAPES.items():
            _write(connection, name, as_table(shape, _rows(shape), NUMBERS))
    offline = (
        f"{{type: postgres, host: {url.host}, port: {url.port or 5432}, database: {url.database}, "
        f"db_schema: {schema}, user: {url.username}, password: '{url.password or ''}', sslmode: prefer}}"
    )

    def source(root: Path, name: str, shape: Shape) -> DataSource:
        return PostgreSQLSource(table=name, **source_options(name, shape))

    root, beside = tmp_path_factory.mktemp("postgres"), tmp_path_factory.mktemp("files")
    write_repo(root, Int64, offline=offline, source=source)
    write_files(beside, {n: _rows(s) for n, s in SHAPES.items()}, NUMBERS, pa.timestamp("us", tz="UTC"))
    write_repo(beside, Int64)
    yield Stores(open_repo(root), open_repo(beside))
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP SCHEMA {schema} CASCADE"))


def test_features_from_a_database_are_those_from_files(stores: Stores) -> None:
    asked = asked_rows([(key, hour * HOUR) for key, hour in _ASKED], NUMBERS)
    side = side_of(stores.postgres.catalogue, "all")
    ours = features_as_of(stores.files, side_of(stores.files.catalogue, "all"), asked, engine="asof")
    theirs = features_as_of(stores.postgres, side, asked)
    assert theirs.schema == ours.schema
    assert theirs.to_pydict() == ours.to_pydict()


def test_our_own_join_is_refused_where_there_are_no_files(stores: Stores) -> None:
    side = side_of(stores.postgres.catalogue, "all")
    with pytest.raises(DataError, match="not all parquet files"):
        features_as_of(stores.postgres, side, asked_rows([(0, 0)], NUMBERS), engine="asof")


@pytest.mark.parametrize("name", sorted(SHAPES))
@pytest.mark.parametrize(("start", "end"), [(None, None), (3, 30), (3, 3), (200, None)])
def test_raw_rows_from_a_database_are_those_from_files(
    stores: Stores, name: str, start: int | None, end: int | None
) -> None:
    bounds: dict[str, Any] = {
        word: moments([START + hour * HOUR])[0].as_py()
        for word, hour in (("start", start), ("end", end))
        if hour is not None
    }
    found = []
    for repo in stores:
        view = repo.catalogue.views[name]
        found.append(repo.rows(view, [*view.keys, *view.columns], **bounds))
    theirs, ours = found
    assert theirs.schema == ours.schema
    assert sorted(map(str, theirs.to_pylist())) == sorted(map(str, ours.to_pylist()))
    assert theirs["event_timestamp"].to_pylist() == sorted(theirs["event_timestamp"].to_pylist())
    assert ours.column_names == [SHAPES[name].key, *FIELDS, "event_timestamp"]


def test_a_table_that_is_gone_is_our_error_with_the_drivers_behind_it(stores: Stores, tmp_path: Path) -> None:
    view = stores.postgres.catalogue.views["days"]
    missing = view.columns[0].__class__("nothing", view.columns[0].dtype)
    with pytest.raises(StoreError, match="'days' cannot be read") as caught:
        stores.postgres.rows(view, [missing], start=moments([START])[0].as_py() - timedelta(days=1))
    assert caught.value.__cause__ is not None
    assert raw_name(SHAPES["days"], "text") == "the text"
