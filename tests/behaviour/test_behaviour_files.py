"""What is written, when it is added to, and what happens when that fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.behaviour.declared import ITEM, QUERY, TIME, column, events_table, read, view
from tfrs_mtl.behaviour import BuildReport, EventsTable, build_view
from tfrs_mtl.behaviour import writer as writing
from tfrs_mtl.errors import DataError, StoreError
from tfrs_mtl.schema import View
from tfrs_mtl.spec import BehaviourView

DECLARED = BehaviourView.model_validate(
    {
        "of": "query",
        "features": {"n": {"measure": "count", "window": "2d"}, "s": {"measure": "sum", "column": "owner"}},
    }
)
OTHER = BehaviourView.model_validate(
    {"of": "query", "features": {"n": {"measure": "count"}, "s": DECLARED.features["s"]}}
)


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2024, 1, number, hour, tzinfo=timezone.utc)


def event(number: int, hour: int = 12, query: int = 1, amount: float = 1.0) -> dict[str, object]:
    return {QUERY: query, ITEM: "a", TIME: day(number, hour), "owner": amount, "select": True}


def build(
    made: View,
    rows: list[dict[str, object]] | EventsTable,
    until: int,
    declared: BehaviourView = DECLARED,
    *,
    rebuild: bool = False,
    start: datetime | None = None,
    progress: list[tuple[int, int]] | None = None,
) -> BuildReport:
    return build_view(
        made,
        declared,
        events=rows if isinstance(rows, EventsTable) else events_table(rows),
        every=timedelta(days=1),
        until=day(until),
        now=day(31),
        rebuild=rebuild,
        start=start,
        progress=None if progress is None else lambda done, total: progress.append((done, total)),
    )


@pytest.fixture(params=["v.parquet", "parts"])
def made(tmp_path: Path, request: pytest.FixtureRequest) -> View:
    return view(tmp_path / "below" / request.param, DECLARED, key=column(QUERY, "Int64"))


def counts(made: View) -> list[tuple[int, object]]:
    return sorted((at.day, row["n"]) for (at, _), row in read(made).items())


def test_an_event_at_a_snapshot_is_not_seen_by_it_and_one_at_the_windows_start_is(made: View) -> None:
    build(made, [event(2, hour=0)], 6)
    assert counts(made) == [(3, 1), (4, 1), (5, 0), (6, 0)]


def test_a_second_run_adds_only_new_times_and_a_third_nothing(made: View) -> None:
    rows = [event(1), event(2), event(4)]
    assert build(made, rows, 3).rows == 2
    report = build(made, rows, 5)
    assert (report.rows, report.first, report.last, report.rebuilt) == (2, day(4), day(5), None)
    report = build(made, rows, 5)
    assert (report.rows, report.first, report.last, report.rebuilt) == (0, None, None, None)
    assert counts(made) == [(2, 1), (3, 2), (4, 1), (5, 1)]


def test_a_late_event_changes_no_snapshot_that_stands_but_counts_later_and_in_a_rebuild(made: View) -> None:
    build(made, [event(2)], 4)
    build(made, [event(2), event(3)], 5)
    assert counts(made) == [(3, 1), (4, 1), (5, 1)]
    assert build(made, [event(2), event(3)], 5, rebuild=True).rebuilt == "a rebuild was asked for"
    assert counts(made) == [(3, 1), (4, 2), (5, 1)]


def test_a_changed_declaration_is_built_anew_and_said(made: View) -> None:
    build(made, [event(1)], 4)
    report = build(made, [event(1)], 4, OTHER)
    assert report.rows == 3
    assert report.rebuilt is not None
    assert "changed" in report.rebuilt
    assert counts(made) == [(2, 1), (3, 1), (4, 1)]


def test_no_events_give_an_empty_file_that_fills_later(made: View) -> None:
    assert build(made, [], 4).rows == 0
    assert counts(made) == []
    build(made, [event(1)], 3)
    assert counts(made) == [(2, 1), (3, 1)]


def test_snapshots_up_to_the_start_are_left_out_but_their_events_count(made: View) -> None:
    build(made, [event(1), event(2)], 4, start=day(2))
    assert counts(made) == [(3, 2), (4, 1)]


def test_times_are_microseconds_in_utc_and_the_writing_time_stands_beside(made: View) -> None:
    build(made, [event(1)], 2)
    table = pq.read_table(made.source.path)
    assert table.schema.field("at time").type == table.schema.field("made").type == pa.timestamp("us", "UTC")
    assert table["made"].to_pylist() == [day(31)]


@pytest.mark.parametrize(
    "type", [pa.timestamp("ns", "UTC"), pa.timestamp("ns"), pa.timestamp("ms", "Asia/Tokyo")]
)
def test_event_times_of_any_unit_and_zone_are_the_same_moment(made: View, type: pa.DataType) -> None:
    table = events_table([event(1), event(2, hour=0)]).data
    moved = table.set_column(table.schema.get_field_index(TIME), TIME, table[TIME].cast(type))
    build(made, EventsTable(moved, QUERY, ITEM, TIME), 3)
    assert counts(made) == [(2, 1), (3, 2)]


def test_events_are_read_from_a_parquet_file_and_a_directory(made: View, tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    file = tmp_path / "events" / "it's.parquet"
    pq.write_table(events_table([event(1)]).data, file)
    for path in (file, file.parent):
        build(made, EventsTable(path, QUERY, ITEM, TIME), 2, rebuild=True)
        assert counts(made) == [(2, 1)]


def test_progress_ends_at_all_grid_times(made: View) -> None:
    seen: list[tuple[int, int]] = []
    build(made, [event(1)], 11, progress=seen)
    assert seen[-1] == (10, 10)


def files(made: View) -> dict[str, bytes]:
    root = made.source.path.parent  # type: ignore[union-attr]
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_a_truncated_file_is_named_with_the_remedy_and_a_rebuild_mends_it(made: View) -> None:
    build(made, [event(1)], 4)
    (name,) = files(made)
    file = made.source.path.parent / name  # type: ignore[union-attr]
    file.write_bytes(file.read_bytes()[:100])
    before = files(made)
    with pytest.raises(DataError, match=r"(?s)parquet: .*cannot be read.*--rebuild"):
        build(made, [event(1)], 6)
    assert files(made) == before
    build(made, [event(1)], 4, rebuild=True)
    assert counts(made) == [(2, 1), (3, 1), (4, 0)]


def test_parquet_that_is_not_ours_is_never_overwritten_unasked(made: View) -> None:
    path = made.source.path
    assert path is not None
    file = path if path.suffix else path / "theirs.parquet"
    file.parent.mkdir(parents=True)
    pq.write_table(pa.table({"x": [1]}), file)
    with pytest.raises(DataError, match="not snapshots of ours"):
        build(made, [event(1)], 4)


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_full_disk_leaves_what_was_there(
    made: View, rebuild: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(made, [event(1)], 4)
    before = files(made)

    def full(*_: object) -> Iterator[None]:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(writing.os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            build(made, [event(1)], 6, rebuild=rebuild)
    assert files(made) == before


def test_a_missing_column_lists_the_valid_ones(made: View) -> None:
    short = events_table([event(1)]).data.drop_columns(["owner"])
    with pytest.raises(DataError, match="no column 'owner'"):
        build(made, EventsTable(short, QUERY, ITEM, TIME), 2)
    with pytest.raises(DataError, match="no column 'nobody'"):
        build(made, EventsTable(short, "nobody", ITEM, TIME), 2)


def test_a_key_that_does_not_fit_the_views_type_is_the_datas_fault(tmp_path: Path) -> None:
    wrong = view(tmp_path / "v.parquet", DECLARED, key=column(ITEM, "Int64"))
    declared = BehaviourView.model_validate({"of": "item", "features": DECLARED.features})
    with pytest.raises(DataError, match="behaviour view 'v'"):
        build(wrong, [event(1)], 2, declared)
    assert list(tmp_path.iterdir()) == []


def test_values_that_are_not_finite_count_as_null_and_sums_do_not_depend_on_order(made: View) -> None:
    amounts = [1e15, 0.1, float("nan"), -1e15, float("inf"), 0.2, 1e-12]
    rows = [event(1, query=q, amount=a) for q, order in ((1, amounts), (2, amounts[::-1])) for a in order]
    build(made, rows, 2)
    one, two = (row["s"] for row in read(made).values())
    assert one == two == pytest.approx(0.3 + 1e-12, abs=1e-15)
