"""The files behind the views in use: are they there, can they be read, do they hold what is registered?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb

from tfrs_mtl.errors import Problem, nearest
from tfrs_mtl.schema import Catalogue, Column, Schema, View
from tfrs_mtl.store import connect, scan

_FAMILIES = {
    "BOOLEAN": "bool",
    "VARCHAR": "string",
    "DATE": "timestamp",
    "FLOAT": "float",
    "DOUBLE": "float",
    "DECIMAL": "float",
}
_HOLDS: Mapping[str, frozenset[str]] = {
    # What a registered type may be read from: a null in a whole or boolean column makes pandas write floats.
    "int": frozenset({"int", "bool", "float"}),
    "float": frozenset({"int", "bool", "float"}),
    "bool": frozenset({"int", "bool", "float"}),
    "string": frozenset({"string"}),
    "timestamp": frozenset({"timestamp"}),
}


def views_in_use(schema: Schema) -> dict[str, View]:
    """Return every view that training or serving reads, by name."""
    services = [side.service for side in (schema.query, schema.item) if side.service is not None]
    views = [schema.events, *(s.view for service in services for s in service.selections)]
    return {view.name: view for view in [*views, *(view for view, _ in schema.behaviour)]}


def file_problems(schema: Schema, catalogue: Catalogue) -> dict[str, list[Problem]]:
    """Return the problems of each view in use whose source is a file, by the view's name."""
    filled = {view.name for view, _ in schema.behaviour}
    return {
        name: [*_path_problems(view, catalogue), *_content_problems(view, is_ours=name in filled)]
        for name, view in views_in_use(schema).items()
    }


def _path_problems(view: View, catalogue: Catalogue) -> Iterator[Problem]:
    """What Feast's duckdb store makes of a path, which is not what the path says."""
    source, where = view.source, _where(view)
    if source.path is None or not catalogue.is_duckdb:
        return
    given = source.given.removeprefix("file://")
    if not Path(given).is_absolute():
        yield Problem(
            where,
            f"the path {given!r} is relative: Feast's duckdb store takes it from the current directory, we "
            "from the feature repo; make it absolute, computed from __file__",
            "hint",
        )
    if not source.has_format and not given.endswith(".parquet"):
        yield Problem(
            where,
            f"{given!r} does not end in .parquet, and Feast's duckdb store cannot tell what it is: give its "
            "FileSource `file_format=ParquetFormat()`",
        )


def _content_problems(view: View, *, is_ours: bool) -> Iterator[Problem]:
    path = view.source.path
    if path is None:
        return
    if not path.exists() or (path.is_dir() and next(path.rglob("*.parquet"), None) is None):
        state = "does not exist" if not path.exists() else "holds no parquet file"
        remedy = "run `tfrs-mtl features`, which writes it" if is_ours else "write it, or mend the path"
        yield Problem(_where(view), f"{path} {state}; {remedy}", "hint" if is_ours else "error")
        return
    try:
        types = _types(path)
    except duckdb.Error as error:
        remedy = "run `tfrs-mtl features --rebuild`" if is_ours else "write it again"
        first = str(error).splitlines()[0]
        yield Problem(_where(view), f"{path} cannot be read: truncated, or no parquet ({first}); {remedy}")
        return
    yield from _column_problems(view, types)


def _types(path: Path) -> dict[str, str]:
    """Return DuckDB's type of each column of a parquet file or directory."""
    with connect() as connection:
        rows = connection.execute(f"DESCRIBE SELECT * FROM {scan(path)}").fetchall()
    return {row[0]: row[1] for row in rows}


def _column_problems(view: View, types: Mapping[str, str]) -> Iterator[Problem]:
    source, where = view.source, _where(view)
    times = [source.timestamp, *([source.created] if source.created else [])]
    for name in (*times, *(source.raw(c.name) for c in view.keys + view.columns)):
        if name not in types:
            yield Problem(where, f"{source.path} has no column {name!r}; {nearest(name, list(types))}")
    for name in times:
        if name in types and _family(types[name]) not in ("timestamp", None):
            yield Problem(
                where, f"the time {name!r} is {types[name]} in {source.path}; a timestamp was expected"
            )
    for column in view.keys + view.columns:
        held = types.get(source.raw(column.name))
        if held is not None and not _fits(column, held):
            yield Problem(
                where, f"{column.name!r} is registered as {column.dtype.text}, but is {held} in {source.path}"
            )


def _fits(column: Column, held: str) -> bool:
    """Whether a registered column can be read from a DuckDB type; in doubt, it can."""
    is_list = held.endswith("[]")
    family = _family(held.removesuffix("[]"))
    if column.dtype.base == "unsupported" or family is None:
        return True
    return is_list == column.dtype.is_list and family in _HOLDS[column.dtype.base]


def _family(held: str) -> str | None:
    name = held.partition("(")[0]
    if name.startswith("TIMESTAMP"):
        return "timestamp"
    return "int" if name.endswith("INT") or name == "INTEGER" or name == "UINTEGER" else _FAMILIES.get(name)


def _where(view: View) -> str:
    return f"feature view {view.name!r}"
