"""Whole numbers that are not numbers, and those that do not survive the online store."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb

from tfrs_mtl.errors import DataError, Problem
from tfrs_mtl.schema import Feature, Schema, Selection
from tfrs_mtl.store import connect, quoted, scan

_LOOKS_LIKE_ID = re.compile(r"(^|[_\s.-])(id|code|no|nr|key|number)$", re.IGNORECASE)
_MANY = 20
_EXACT = 2**53


def number_hints(schema: Schema, readable: set[str]) -> Iterator[Problem]:
    """Yield hints for scalar whole-number features of the views named in ``readable``."""
    for side in (schema.query, schema.item):
        features = [f for f in side.features if f.dtype.base == "int" and not f.dtype.is_list]
        for selection in side.service.selections if side.service else ():
            chosen = [f for f in features if f.view == selection.name]
            path = selection.view.source.path
            if chosen and selection.view.name in readable and path is not None and path.exists():
                yield from _of_selection(selection, chosen)


def _of_selection(selection: Selection, features: list[Feature]) -> Iterator[Problem]:
    source = selection.view.source
    assert source.path is not None
    parts = []
    for feature in features:
        column = quoted(source.raw(feature.column))
        parts += [
            f"approx_count_distinct({column})",
            f"max(abs({column}::HUGEINT))",
            f"count(*) - count({column})",
        ]
    with connect() as connection:
        try:
            row = connection.execute(f"SELECT {', '.join(parts)} FROM {scan(source.path)}").fetchone()
        except duckdb.Error as error:
            raise DataError(f"feature view {selection.view.name!r}: cannot be read: {error}") from error
    assert row is not None
    for n, feature in enumerate(features):
        distinct, largest, nulls = row[3 * n : 3 * n + 3]
        yield from _hints(feature, distinct, largest or 0, nulls)


def _hints(feature: Feature, distinct: int, largest: int, nulls: int) -> Iterator[Problem]:
    where, name = f"feature view {feature.view!r}", feature.column
    if feature.kind == "number" and distinct >= _MANY and _LOOKS_LIKE_ID.search(name):
        yield Problem(
            where,
            f"{name!r} has about {distinct:,} whole values and the name of an id, and enters the models as a "
            f"number; if it names something, set `inputs: {{{name}: {{kind: category}}}}`",
            "hint",
        )
    if largest > _EXACT and nulls:
        yield Problem(
            where,
            f"{name!r} holds nulls and values beyond 2^53: Feast passes such a column through float64 on its "
            "way online, which changes them; register it as a String",
            "hint",
        )
