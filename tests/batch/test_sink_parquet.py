"""The parquet sink replaces a file whole or not at all."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.batch.results import SCHEMA, batch, breaking
from tfrs_mtl.batch.sinks import ParquetSink, SqlSink, open_sink
from tfrs_mtl.errors import DataError, RequestError, StoreError


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "out" / "recommendations.parquet"
    batches = [batch("r1", 1), pa.Table.from_batches([batch("r1", 2, 3)])]
    written = ParquetSink(path).write(batches, schema=SCHEMA, run_id="r1")
    assert written == (6, str(path))
    assert pq.read_table(path).equals(pa.Table.from_batches([batch("r1", 1, 2, 3)]))
    assert os.listdir(path.parent) == ["recommendations.parquet"]


def test_an_empty_run_is_a_file_with_columns_and_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    ParquetSink(path).write([], schema=SCHEMA, run_id="r1")
    assert pq.read_table(path).schema.equals(SCHEMA)


def test_small_batches_are_gathered_into_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"

    def batches() -> Iterator[pa.RecordBatch]:
        whole = batch("r1", *range(500))
        for _ in range(60):
            yield whole

    assert ParquetSink(path).write(batches(), schema=SCHEMA, run_id="r1").rows == 60_000
    metadata = pq.read_metadata(path)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [50_000, 10_000]


@pytest.mark.parametrize("error", [ValueError("the model broke"), KeyboardInterrupt()])
def test_a_failing_run_leaves_the_previous_file(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "r.parquet"
    ParquetSink(path).write([batch("r1", 1)], schema=SCHEMA, run_id="r1")
    before = path.read_bytes()
    with pytest.raises(type(error)):
        ParquetSink(path).write(breaking(batch("r2", 2), error=error), schema=SCHEMA, run_id="r2")
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["r.parquet"]


def test_a_batch_of_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    with pytest.raises(DataError, match="expected batches of the columns"):
        ParquetSink(path).write([batch("r1", "a", key=pa.string())], schema=SCHEMA, run_id="r1")
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_a_store_error_and_leaves_the_previous_file(small_disk: Path) -> None:
    sink = ParquetSink(small_disk / "r.parquet")
    sink.write([batch("r1", 1)], schema=SCHEMA, run_id="r1")
    before = sink.path.read_bytes()
    noise = [batch("r2", query, score=math.sin(query)) for query in range(20_000)]
    with pytest.raises(StoreError, match=r"could not be written.*No space left.*as it was"):
        sink.write(noise, schema=SCHEMA, run_id="r2")
    assert sink.path.read_bytes() == before
    assert os.listdir(small_disk) == ["r.parquet"]


def test_a_place_that_takes_no_files_is_a_store_error() -> None:
    with pytest.raises(StoreError, match="could not be written"):
        ParquetSink(Path("/proc/no/r.parquet")).write([], schema=SCHEMA, run_id="r1")


def test_a_directory_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found a directory"):
        ParquetSink(tmp_path).write([], schema=SCHEMA, run_id="r1")


def test_what_killed_runs_left_is_swept_away_after_a_day(tmp_path: Path) -> None:
    old, young = tmp_path / ".r.parquet.00000000.writing", tmp_path / ".r.parquet.11111111.writing"
    for path in (old, young):
        path.write_bytes(b"half")
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    ParquetSink(tmp_path / "r.parquet").write([], schema=SCHEMA, run_id="r1")
    assert sorted(os.listdir(tmp_path)) == [young.name, "r.parquet"]


def test_a_target_names_its_sink(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    assert open_sink(str(path)) == ParquetSink(path)
    assert open_sink("sqlite:///x.db", table="t") == SqlSink.at("sqlite:///x.db", table="t")
    with pytest.raises(RequestError, match="got nothing"):
        open_sink("")
