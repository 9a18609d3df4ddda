"""The SQL equals a plain reading of the measures' definitions, whatever the events."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.behaviour.declared import EVENTS, ITEM, QUERY, TIME, UNTIL, column, events_table, read, view
from tests.behaviour.past import Event, Names, flat_rows, grid_times, pair_rows
from tfrs_mtl.behaviour import BuildReport, ItemsTable, Limits, build_view
from tfrs_mtl.schema import View
from tfrs_mtl.spec import BehaviourView

NAMES = Names(QUERY, ITEM, TIME)
BEGIN = datetime(2024, 1, 1, tzinfo=timezone.utc)
NOW = datetime(2024, 2, 1, tzinfo=timezone.utc)
BASKET = "it's a basket"
# Mostly times on a coarse lattice: many ties, and many events exactly at a snapshot or a window's end.
lattice = st.integers(0, 9).map(lambda n: BEGIN + timedelta(hours=12 * n))
moments = st.one_of(
    lattice,
    lattice,
    lattice,
    st.integers(0, 900_000_000_000).map(lambda n: BEGIN + timedelta(microseconds=n)),
)
event = st.fixed_dictionaries(
    {
        QUERY: st.sampled_from([1, 1, 1, 2, -3, None]),
        ITEM: st.sampled_from(["a", "b", "ü", None]),
        TIME: moments,
        "select": st.sampled_from([True, False, None]),
        "ts": st.sampled_from([0, 1, None]),
        "owner": st.sampled_from([0.1, 2.5, -1e6, 7e-5, None]),
        BASKET: st.sampled_from(["x", "y", "z", None]),
    }
)
events = st.lists(event, max_size=5) | st.lists(event, min_size=15, max_size=40)
windows = st.sampled_from(["6h", "1d", "36h", "3d", "2w", None])
cadences = st.sampled_from(["6h", "1d", "2d", "5h"])
flags = st.sampled_from(["select", "ts", None])


@st.composite
def features(draw: st.DrawFn, *, pair: bool) -> dict[str, object]:
    """Return one feature of every measure, and two counts."""
    drawn: dict[str, dict[str, object]] = {
        "count": {},
        "count_too": {},
        "sum": {"column": draw(st.sampled_from(["owner", "ts"]))},
        "mean": {"column": draw(st.sampled_from(["owner", "ts"]))},
        "distinct": {"column": draw(st.sampled_from([BASKET, ITEM]))},
        "rate": {"given": draw(flags)},
        "popularity": {},
        "recency": {},
        "last": {"limit": draw(st.integers(1, 4))},
    }
    for name, options in drawn.items():
        options["measure"] = name.removesuffix("_too")
        options["where"] = draw(flags) if name != "rate" else draw(st.sampled_from(["select", "ts"]))
        if name != "recency":
            options["window"] = draw(windows)
    drawn["ages"] = {"measure": "ages", "of": "last"}
    if pair:
        dropped = ["last", "ages", *(["recency"] if draw(st.booleans()) else [])]
        drawn = {name: options for name, options in drawn.items() if name not in dropped}
    return drawn


def build(
    made: View, declared: BehaviourView, rows: list[Event], until: datetime, **options: object
) -> BuildReport:
    return build_view(
        made,
        declared,
        events=events_table(rows),
        every=timedelta(days=1),
        until=until,
        now=NOW,
        limits=Limits(threads=1),
        **options,  # type: ignore[arg-type]
    )


def assert_same(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for place, row in expected.items():
        assert found[place].keys() == row.keys()
        for name, wanted in row.items():
            assert _same(found[place][name], wanted), (place, name, found[place][name], wanted)


def _same(found: object, wanted: object) -> bool:
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(_same(f, w) for f, w in zip(found, wanted, strict=True))  # type: ignore[arg-type]
    if wanted is None:
        return found is None or (isinstance(found, float) and math.isnan(found))
    if isinstance(wanted, float):
        return found == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    return found == wanted


@settings(max_examples=100, deadline=None)
@given(
    rows=events,
    of=st.sampled_from(["query", "item"]),
    every=cadences,
    drawn=features(pair=False),
    cut=moments,
)
def test_a_view_equals_the_reference_in_one_build_and_in_two(
    rows: list[Event], of: str, every: str, drawn: dict[str, object], cut: datetime
) -> None:
    declared = BehaviourView.model_validate({"of": of, "every": every, "features": drawn})
    key, other = (column(ITEM, "String"), "Int64") if of == "item" else (column(QUERY, "Int64"), "String")
    owned = [e for e in rows if e[key.name] is not None]
    times = grid_times(min((e[TIME] for e in owned), default=UNTIL), UNTIL, declared.every)  # type: ignore[arg-type, type-var]
    expected = flat_rows(declared, rows, times, NAMES)
    with TemporaryDirectory() as folder:
        full = view(Path(folder) / "full.parquet", declared, key=key, other=other)
        build(full, declared, rows, UNTIL)
        assert_same(read(full), expected)
        for path in ("stepped.parquet", "parts"):
            stepped = view(Path(folder) / path, declared, key=key, other=other)
            build(stepped, declared, [e for e in rows if e[TIME] < cut], cut)  # type: ignore[operator]
            build(stepped, declared, rows, UNTIL)
            assert repr(sorted(read(stepped).items())) == repr(sorted(read(full).items()))


versions = st.lists(
    st.tuples(st.sampled_from(["a", "b", "ü"]), moments, st.sampled_from(["k", "l", None])), max_size=8
)


@settings(max_examples=100, deadline=None)
@given(
    rows=events,
    of=st.sampled_from(["kind", "item"]),
    every=cadences,
    drawn=features(pair=True),
    cut=moments,
    known=versions,
    limit=st.integers(1, 3),
)
def test_a_pair_view_equals_the_reference_in_one_build_and_in_two(
    rows: list[Event], of: str, every: str, drawn: dict[str, object], cut: datetime, known: list, limit: int
) -> None:
    declared = BehaviourView.model_validate(
        {"of": ["query", of], "every": every, "features": drawn, "limit": limit}
    )
    latest = {
        (item, since): kind
        for item, since, kind in sorted(known, key=lambda v: (v[2] is not None, v[2] or ""))
    }
    field = column(ITEM if of == "item" else of, "Array(String)")

    def attribute(event: Event) -> object:
        if of == "item":
            return event[ITEM]
        found = [(s, k) for (i, s), k in latest.items() if i == event[ITEM] and s <= event[TIME]]
        return max(found, key=lambda v: v[0])[1] if found else None

    owned = [e for e in rows if e[QUERY] is not None]
    times = grid_times(min((e[TIME] for e in owned), default=UNTIL), UNTIL, declared.every)  # type: ignore[arg-type, type-var]
    expected = pair_rows(declared, rows, times, NAMES, attribute, field.name)
    schema = pa.schema([("i", pa.string()), ("from", EVENTS.field(TIME).type), ("kind", pa.string())])
    table = pa.Table.from_pylist(
        [{"i": i, "from": s, "kind": k} for (i, s), k in latest.items()], schema=schema
    )
    items = ItemsTable(table, "i", "from", "kind")
    with TemporaryDirectory() as folder:
        full = view(Path(folder) / "full.parquet", declared, key=column(QUERY, "Int64"), keys=field)
        build(full, declared, rows, UNTIL, items=items)
        assert_same(read(full), expected)
        stepped = view(Path(folder) / "stepped", declared, key=column(QUERY, "Int64"), keys=field)
        build(stepped, declared, [e for e in rows if e[TIME] < cut], cut, items=items)  # type: ignore[operator]
        build(stepped, declared, rows, UNTIL, items=items)
        assert repr(sorted(read(stepped).items())) == repr(sorted(read(full).items()))
