"""What may be wrong with a view's file: the error names the view, the file and what to do."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.dataset import stall
from tfrs_mtl.dataset.point_in_time import features_as_of
from tfrs_mtl.errors import DataError, RegistryError
from tfrs_mtl.project import Project, open_project
from tfrs_mtl.schema import View
from tfrs_mtl.store import open_repo, read_view

_EVENT = {"user": 1, "thing": "a", "at": 1, "bought": 1, "paid": 2.5, "shelf": None}
_USER = {"user": 1, "at": 0, "age": 30, "city": "x", "last": ["a"], "last_ages": [1.0]}
_THING = {"thing": "a", "at": 0, "price": 1.0, "tags": [], "title": "A"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    stall.write_repo(tmp_path, {"events": [_EVENT], "users": [_USER], "things": [_THING]})
    return open_project(tmp_path)


def _view(project: Project, name: str = "users") -> View:
    return project.repo.catalogue.views[name]


def _read(project: Project, way: str) -> pa.Table:
    """Read the users' rows, raw or as of a time."""
    if way == "rows":
        view = _view(project)
        return project.repo.rows(view, [*view.keys, *view.columns])
    rows = pa.table({"user": [1], "event_timestamp": pa.array([stall.START], pa.int64()).cast(stall.MOMENT)})
    return features_as_of(project.repo, project.schema.query, rows, engine="asof")


both_ways = pytest.mark.parametrize("way", ["rows", "features"])


@both_ways
def test_a_missing_file_is_named_with_the_command_that_writes_it(project: Project, way: str) -> None:
    path = _view(project).source.path
    assert path is not None
    path.unlink()
    with pytest.raises(DataError, match=r"'users'.*users\.parquet does not exist.*tfrs-mtl features"):
        _read(project, way)


@both_ways
@pytest.mark.parametrize("left", [0, 10, 400])
def test_a_truncated_file_is_named(project: Project, way: str, left: int) -> None:
    path = _view(project).source.path
    assert path is not None
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(DataError, match=r"'users'.*users\.parquet cannot be read") as caught:
        _read(project, way)
    assert caught.value.__cause__ is not None


@both_ways
@pytest.mark.parametrize("column", ["city", "user", "at"])
def test_a_missing_column_is_named(project: Project, way: str, column: str) -> None:
    path = _view(project).source.path
    assert path is not None
    pq.write_table(pq.read_table(path).drop_columns([column]), path)
    with pytest.raises(DataError, match=rf"(?s)'users'.*users\.parquet cannot be read.*{column}"):
        _read(project, way)


@both_ways
def test_a_column_of_another_type_than_registered_is_named_with_both(project: Project, way: str) -> None:
    path = _view(project).source.path
    assert path is not None
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index("age"), "age", pa.array(["many"])), path)
    with pytest.raises(
        DataError, match=r"users\.parquet: column 'age' is registered as Int64, but holds string"
    ):
        _read(project, way)


@both_ways
def test_keys_of_another_type_than_registered_are_named_with_both(project: Project, way: str) -> None:
    path = _view(project).source.path
    assert path is not None
    pq.write_table(pq.read_table(path).set_column(0, "user", pa.array(["one"])), path)
    with pytest.raises(
        DataError, match=r"users\.parquet: column '.*' is registered as Int64, but holds string"
    ):
        _read(project, way)


@both_ways
@pytest.mark.parametrize("files", [1, 3])
def test_a_directory_of_files_is_one_view(project: Project, way: str, files: int) -> None:
    path = _view(project).source.path
    assert path is not None
    table = pq.read_table(path)
    path.unlink()
    path.mkdir()
    for n in range(files):
        (path / f"day={n}").mkdir()
        pq.write_table(table, path / f"day={n}" / "part.parquet")
    assert len(_read(project, way)) == (files if way == "rows" else 1)


@both_ways
def test_an_empty_directory_cannot_be_read(project: Project, way: str) -> None:
    path = _view(project).source.path
    assert path is not None
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match=r"'users'.*users\.parquet cannot be read"):
        _read(project, way)


@pytest.mark.parametrize(
    ("stamp", "spare"),
    [
        (pa.timestamp("us", tz="UTC"), 0),
        (pa.timestamp("us"), 0),
        (pa.timestamp("ns"), 999),
        (pa.timestamp("ns", tz="UTC"), 999),
        (pa.timestamp("us", tz="Asia/Tokyo"), 0),
    ],
)
def test_times_of_any_kind_are_read_as_utc_microseconds(
    project: Project, stamp: pa.DataType, spare: int
) -> None:
    path = _view(project).source.path
    assert path is not None
    table = pq.read_table(path)
    scaled = stall.START * (1000 if stamp.unit == "ns" else 1) + spare
    times = pa.array([scaled], pa.int64()).cast(pa.timestamp(stamp.unit)).cast(stamp)
    pq.write_table(table.set_column(table.column_names.index("at"), "at", times), path)
    found = _read(project, "rows")["event_timestamp"]
    assert found.type == stall.MOMENT
    assert found.cast(pa.int64()).to_pylist() == [stall.START]
    assert _read(project, "features")["users__age"].to_pylist() == [30]


def test_rows_come_by_time_from_start_until_just_before_end(project: Project) -> None:
    users = [{**_USER, "at": day, "age": day} for day in (3, 1, 2, 1, 5)]
    stall.write_tables(project.repo.path, {"users": users})
    view = _view(project)

    def ages(**bounds: Any) -> list[int]:
        return [int(v) for v in read_view(view, view.columns, **bounds)["age"].to_pylist()]

    first, fourth = (datetime(2024, 1, day, tzinfo=timezone.utc) for day in (2, 4))
    assert ages() == [1, 1, 2, 3, 5]
    assert ages(start=first, end=fourth) == [1, 1, 2]
    assert ages(start=fourth) == [3, 5]
    assert ages(end=first) == []


def test_a_path_with_a_quote_and_a_wildcard_is_taken_as_it_is(tmp_path: Path) -> None:
    root = tmp_path / "it's [odd]"
    root.mkdir()
    stall.write_repo(root, {"events": [_EVENT], "users": [_USER], "things": [_THING]})
    project = open_project(root)
    assert _read(project, "features")["users__age"].to_pylist() == [30]
    assert len(_read(project, "rows")) == 1


def test_a_directory_without_a_feature_store_is_refused_with_the_way_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(
        RegistryError, match=r"feature_store\.yaml.*does not exist; name a Feast feature repo with -c"
    ):
        open_repo(tmp_path)


@pytest.mark.parametrize("text", ["project: [", "nothing: 1", ""])
def test_a_feature_store_that_feast_cannot_open_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "feature_store.yaml").write_text(text)
    with pytest.raises(RegistryError, match="Feast cannot open it"):
        open_repo(tmp_path)


def test_the_dask_store_is_refused_because_it_loses_rows(project: Project) -> None:
    file = project.repo.path / "feature_store.yaml"
    file.write_text(
        file.read_text().replace("{type: duckdb}", "{type: dask}").replace("type: duckdb", "type: dask")
    )
    with pytest.raises(RegistryError, match=r"'dask' loses training rows.*use 'duckdb'"):
        assert open_project(project.repo.path).schema
