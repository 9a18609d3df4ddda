"""Rows are added to a parquet file whole, and whoever reads meanwhile sees the old file or the new."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tfrs_mtl.errors import DataError
from tfrs_mtl.store.append import append_to_file, put_snapshot
from tfrs_mtl.store.types import MOMENT

_KINDS = {"at": pa.timestamp("ns"), "small": pa.int32(), "text": pa.string(), "list": pa.list_(pa.float32())}
_OLD = {"at": [1, 2], "small": [3, None], "text": ["a", None], "list": [[1.5], []]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "real.parquet"
    schema = pa.schema(list(_KINDS.items()), metadata={"made by": "a shop"})
    arrays = [pa.array(_OLD[name], kind) for name, kind in _KINDS.items()]
    pq.write_table(pa.table(arrays, schema=schema), path, row_group_size=1)
    path.chmod(0o640)
    return path


def _row(small: int) -> dict[str, pa.ChunkedArray]:
    at = pa.chunked_array([pa.array([5_000_000 + small], pa.int64()).cast(MOMENT)])
    return {"at": at, "small": pa.chunked_array([pa.array([small], pa.int64())])}


def test_rows_are_added_in_the_files_own_types_and_what_is_left_out_is_null(file: Path) -> None:
    link = file.with_name("link.parquet")
    link.symlink_to(file)
    before = pq.read_table(file)
    append_to_file(link, _row(7), rows=1)
    after = pq.read_table(file)
    assert after.schema.equals(before.schema, check_metadata=True)
    assert after.slice(0, 2).equals(before)
    (added,) = after.slice(2).cast(after.schema.set(0, pa.field("at", pa.int64()))).to_pylist()
    assert added == {"at": 5_000_007_000, "small": 7, "text": None, "list": None}
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in file.parent.iterdir()) == ["link.parquet", "real.parquet"]


def test_a_directory_gets_one_file_more(file: Path) -> None:
    append_to_file(file.parent, _row(7), rows=1)
    assert len(list(file.parent.glob("*.parquet"))) == 2
    assert sorted(pq.read_table(file.parent)["small"].drop_null().to_pylist()) == [3, 7]


def test_rows_that_do_not_fit_leave_the_file_as_it_was(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(pa.ArrowInvalid):
        append_to_file(file, _row(2**40), rows=1)
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == ["real.parquet"]


def test_who_reads_meanwhile_sees_it_whole(file: Path) -> None:
    over, seen = Event(), list[int]()

    def read() -> None:
        while not over.is_set():
            seen.append(len(pq.read_table(file)))

    reading = Thread(target=read)
    reading.start()
    for number in range(30):
        append_to_file(file, _row(number), rows=1)
    over.set()
    reading.join()
    assert seen == sorted(seen)
    assert len(pq.read_table(file)) == 32


def test_a_snapshot_takes_the_place_of_the_one_of_its_time(tmp_path: Path) -> None:
    file = tmp_path / "new" / "vectors.parquet"
    for day, values in ((1, [1, 2]), (2, [3]), (1, [4])):
        times = pa.array([day] * len(values), pa.int64()).cast(MOMENT)
        put_snapshot(file, pa.table({"value": values, "at": times}), time="at")
    assert pq.read_table(file)["value"].to_pylist() == [3, 4]
    assert [each.name for each in file.parent.iterdir()] == ["vectors.parquet"]


def test_what_is_no_parquet_file_is_named_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    with pytest.raises(DataError, match=r"notes\.txt: expected a parquet file"):
        put_snapshot(file, pa.table({"at": pa.array([1], pa.int64()).cast(MOMENT)}), time="at")
    assert file.read_text() == "mine"
