"""Views of the registry and tables for the tests, with names that need quoting."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tfrs_mtl.behaviour import EventsTable
from tfrs_mtl.schema import Column, DType, Source, View
from tfrs_mtl.spec import BehaviourView

QUERY, ITEM, TIME = 'the "query"', "order", "Zeit 🕰"
LISTS = ("last", "ages")
_BASES = {"Int64": "int", "Int32": "int", "Float32": "float", "Float64": "float", "String": "string"}
EVENTS = pa.schema(
    [
        (QUERY, pa.int64()),
        (ITEM, pa.string()),
        (TIME, pa.timestamp("us", "UTC")),
        ("select", pa.bool_()),
        ("ts", pa.int64()),
        ("owner", pa.float64()),
        ("it's a basket", pa.string()),
    ]
)
UNTIL = datetime(2024, 1, 12, tzinfo=timezone.utc)


def column(name: str, text: str) -> Column:
    """Return a column of one of Feast's types."""
    base = text[6:-1] if text.startswith("Array(") else text
    return Column(name, DType(_BASES[base], text.startswith("Array("), text))  # type: ignore[arg-type]


def view(
    path: Path, declared: BehaviourView, *, key: Column, keys: Column | None = None, other: str = "String"
) -> View:
    """Return the view a declaration describes: counts Int64, the rest Float64, one field renamed."""
    columns = [keys] if keys else []
    for name, measure in declared.features.items():
        text = "Int64" if measure.measure in ("count", "distinct") else "Float64"
        text = other if measure.measure == "last" else text
        listed = declared.is_pair or measure.measure in LISTS
        columns.append(column(name, f"Array({text})" if listed else text))
    renames = (('an "old" name', columns[-1].name),)
    return View(
        "v", ("e",), (key,), tuple(columns), None, Source("FileSource", path, "at time", "made", renames)
    )


def events_table(rows: Iterable[dict[str, object]]) -> EventsTable:
    """Return events as an Arrow table."""
    return EventsTable(pa.Table.from_pylist(list(rows), schema=EVENTS), QUERY, ITEM, TIME)


def read(source: View) -> dict[tuple[datetime, object], dict[str, object]]:
    """Return what was written by (time, key), under the view's names."""
    names = dict(source.source.renames)
    key = source.keys[0].name
    found = {}
    for row in pq.read_table(source.source.path).to_pylist():
        named = {names.get(name, name): value for name, value in row.items()}
        named.pop("made")
        place = (named.pop("at time"), named.pop(key))
        assert place not in found
        found[place] = named
    return found
