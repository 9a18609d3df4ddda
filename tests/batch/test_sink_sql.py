"""The SQL sink keeps its promises on PostgreSQL, MariaDB and sqlite alike."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from tests.batch.results import CREATED, SCHEMA, batch, breaking, schema_of
from tfrs_mtl.batch.sinks import SqlSink
from tfrs_mtl.errors import DataError, RequestError, StoreError


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def sink(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlSink]:
    """A sink on each database; its table, which is not there yet, is dropped afterwards."""
    url = f"sqlite:///{tmp_path}/shop.db"
    if request.param != "sqlite":
        url = request.getfixturevalue(f"{request.param}_url")
    sink = SqlSink.at(url, table=f"recommendations_{secrets.token_hex(4)}")
    yield sink
    execute(sink, f"DROP TABLE IF EXISTS {sink.table}")


def execute(sink: SqlSink, statement: str) -> None:
    engine = sa.create_engine(sink.url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(statement))


def rows(sink: SqlSink, columns: str = "run_id, query, item") -> list[tuple[Any, ...]]:
    """Return what the table holds, as any client reads it."""
    engine = sa.create_engine(sink.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return sorted(
            tuple(row) for row in connection.execute(sa.text(f"SELECT {columns} FROM {sink.table}"))
        )


def test_the_table_is_made_and_holds_what_came(sink: SqlSink) -> None:
    big = 2**62 + 1
    written = sink.write(
        [batch("r1", 1), pa.Table.from_batches([batch("r1", big)])], schema=SCHEMA, run_id="r1"
    )
    assert written.rows == 4
    assert rows(sink) == [("r1", 1, "Pear"), ("r1", 1, "pear"), ("r1", big, "Pear"), ("r1", big, "pear")]
    table = sa.Table(
        sink.table, sa.MetaData(), autoload_with=sa.create_engine(sink.url, poolclass=sa.NullPool)
    )
    assert list(table.columns.keys()) == SCHEMA.names
    assert sorted(tuple(index.columns.keys()) for index in table.indexes) == [("query",), ("run_id",)]
    engine = sa.create_engine(sink.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        row = connection.execute(sa.select(table).where(table.c["rank"] == 0)).mappings().first()
    assert row is not None
    assert (row["score"], row["purchase"], bool(row["is_new"])) == (0.5, 0.25, True)
    assert (row["origin"], row["degraded"]) == ("index", "unknown query")
    created = row["created"]
    assert (created if created.tzinfo else created.replace(tzinfo=timezone.utc)) == CREATED


def test_the_same_run_again_replaces_itself_alone(sink: SqlSink) -> None:
    sink.write([batch("R1", 1)], schema=SCHEMA, run_id="R1")
    sink.write([batch("r1", 1, 2, 3)], schema=SCHEMA, run_id="r1")
    sink.write([batch("r1", 4)], schema=SCHEMA, run_id="r1")
    assert sorted(set(rows(sink, "run_id, query"))) == [("R1", 1), ("r1", 4)]


@pytest.mark.parametrize("error", [ValueError("the model broke"), KeyboardInterrupt()])
def test_a_failing_run_leaves_the_previous_content(
    sink: SqlSink, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tfrs_mtl.batch.sinks.protocol._PIECE", 2)  # so that rows are in flight
    sink.write([batch("r1", 1)], schema=SCHEMA, run_id="r1")
    before = rows(sink)
    with pytest.raises(type(error)):
        sink.write(breaking(batch("r1", 7, 8, 9), error=error), schema=SCHEMA, run_id="r1")
    assert rows(sink) == before


def test_a_reader_never_sees_half_a_run(sink: SqlSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfrs_mtl.batch.sinks.protocol._PIECE", 2)
    sink.write([batch("r1", 1)], schema=SCHEMA, run_id="r1")
    seen = []

    def batches() -> Iterator[pa.RecordBatch]:
        for query in (7, 8, 9):
            yield batch("r1", query)
            seen.append(rows(sink, "query"))

    sink.write(batches(), schema=SCHEMA, run_id="r1")
    assert seen == [[(1,), (1,)]] * 3
    assert rows(sink, "query") == [(7,), (7,), (8,), (8,), (9,), (9,)]


def test_string_keys_are_told_apart_by_case(sink: SqlSink) -> None:
    schema = schema_of(pa.string())
    keys = ("anna", "Anna", "ännä", "安娜", "\N{PEAR}")
    sink.write([batch("r1", *keys, key=pa.string())], schema=schema, run_id="r1")
    assert sorted({row[1] for row in rows(sink)}) == sorted(keys)
    engine = sa.create_engine(sink.url, poolclass=sa.NullPool)
    query = sa.text(f"SELECT count(*) FROM {sink.table} WHERE query = :key").bindparams(key="anna")
    with engine.connect() as connection:
        assert connection.execute(query).scalar() == 2


def test_what_is_not_a_number_becomes_null(sink: SqlSink) -> None:
    sink.write([batch("r1", 1, score=float("nan"))], schema=SCHEMA, run_id="r1")
    sink.write([batch("r2", 1, score=float("-inf"))], schema=SCHEMA, run_id="r2")
    assert set(rows(sink, "score")) == {(None,)}


def test_an_empty_run_empties_what_the_run_wrote_before(sink: SqlSink) -> None:
    sink.write([batch("r1", 1)], schema=SCHEMA, run_id="r1")
    assert sink.write([], schema=SCHEMA, run_id="r1").rows == 0
    assert rows(sink) == []


def test_a_table_with_other_columns_is_refused_and_they_are_named(sink: SqlSink) -> None:
    sink.write([batch("r1", 1)], schema=SCHEMA, run_id="r1")
    before = rows(sink)
    strings = schema_of(pa.string()).append(pa.field("cart", pa.float32()))
    strings = strings.remove(strings.get_field_index("purchase"))
    with pytest.raises(DataError) as caught:
        sink.write([], schema=strings, run_id="r1")
    message = str(caught.value)
    assert "exists with other columns" in message
    assert "cart is missing" in message
    assert "purchase is not ours" in message
    assert "query is BIGINT" in message
    assert "expected VARCHAR(255)" in message
    assert rows(sink) == before


def test_a_table_made_by_the_shop_with_fitting_types_is_taken(sink: SqlSink) -> None:
    rank = sa.create_engine(sink.url).dialect.identifier_preparer.quote("rank")
    execute(
        sink,
        f"CREATE TABLE {sink.table} (run_id VARCHAR(40), created TIMESTAMP, query INTEGER, {rank} SMALLINT, "
        "item VARCHAR(40), score NUMERIC(9, 4), purchase FLOAT, is_new BOOLEAN, origin TEXT, degraded TEXT)",
    )
    sink.write([batch("r1", 1)], schema=SCHEMA, run_id="r1")
    assert len(rows(sink)) == 2


def test_a_row_that_is_not_of_the_run_is_refused(sink: SqlSink) -> None:
    with pytest.raises(DataError, match="expected the run id 'r1' in every row, got r2"):
        sink.write([batch("r1", 1), batch("r2", 1)], schema=SCHEMA, run_id="r1")
    with pytest.raises(DataError, match="expected batches of the columns"):
        sink.write([batch("r1", "a", key=pa.string())], schema=SCHEMA, run_id="r1")
    with pytest.raises(DataError, match="lack the columns query, run_id"):
        sink.write([], schema=pa.schema([("item", pa.int64())]), run_id="r1")


def test_a_column_that_no_table_holds_is_named(sink: SqlSink) -> None:
    schema = SCHEMA.append(pa.field("why", pa.list_(pa.string())))
    with pytest.raises(DataError, match=r"column 'why': no SQL type holds list"):
        sink.write([], schema=schema, run_id="r1")


def test_a_key_that_is_too_long_is_the_databases_word(postgres_url: str) -> None:
    sink = SqlSink.at(postgres_url, table=f"recommendations_{secrets.token_hex(4)}")
    with pytest.raises(DataError, match=r"value too long.*content is as it was"):
        sink.write([batch("r1", "x" * 300, key=pa.string())], schema=schema_of(pa.string()), run_id="r1")
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    assert not sa.inspect(engine).has_table(sink.table)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://shop:hunter2@127.0.0.1:1/test",
        "postgresql+psycopg://shop@127.0.0.1:1/test?password=hunter2",
        "postgresql+psycopg://shop@127.0.0.1:1/test?hunter2=hunter2",
        "mysql+pymysql://shop:hunter2@127.0.0.1:1/test",
        "mysql+pymysql://shop:hunter2@127.0.0.1:3306/test",
        "sqlite:////no/such/directory/hunter2?mode=hunter2&uri=true",
    ],
)
def test_a_password_is_never_shown(url: str) -> None:
    sink = SqlSink.at(url, table="recommendations")
    assert "hunter2" not in repr(sink)
    with pytest.raises(StoreError) as caught:
        sink.write([batch("r1", 1)], schema=SCHEMA, run_id="r1")
    shown = [str(caught.value), str(caught.value.__cause__)]
    if "sqlite" not in url:  # there it is the file's name
        assert not any("hunter2" in text for text in shown)


def test_a_url_that_cannot_be_served_is_a_request_error() -> None:
    with pytest.raises(RequestError, match="cannot be read") as caught:
        SqlSink.at("postgresql://shop:hunter2@host:port:7/x", table="t")
    assert caught.value.__suppress_context__
    assert "hunter2" not in str(caught.value)
    with pytest.raises(RequestError, match="no database dialect 's3'"):
        SqlSink.at("s3://bucket/key", table="t")
    with pytest.raises(RequestError, match=r"'oracle\+cx_oracle' needs a driver that is not installed"):
        SqlSink.at("oracle+cx_oracle://host/x", table="t")


def test_a_schema_may_lead_the_table(postgres_url: str) -> None:
    sink = SqlSink.at(postgres_url, table=f"public.recommendations_{secrets.token_hex(4)}")
    sink.write([batch("r1", 1)], schema=SCHEMA, run_id="r1")
    assert len(rows(sink)) == 2
    execute(sink, f"DROP TABLE {sink.table}")
