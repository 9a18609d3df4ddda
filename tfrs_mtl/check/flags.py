"""The 0/1 columns that behaviour features are counted by."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.compute as pc

from tfrs_mtl.errors import Problem
from tfrs_mtl.schema import Schema
from tfrs_mtl.store import FeatureRepo


def flag_problems(repo: FeatureRepo, schema: Schema, *, file: str) -> Iterator[Problem]:
    """Yield a problem for each ``where`` or ``given`` whose column holds something else than 0 and 1."""
    uses: dict[str, list[str]] = {}
    for view, declared in schema.behaviour:
        for name, measure in declared.features.items():
            for key in ("where", "given"):
                column = getattr(measure, key, None)
                if column is not None:
                    uses.setdefault(column, []).append(f"behaviour.views.{view.name}.features.{name}.{key}")
    columns = [c for name in uses if (c := schema.events.column(name)) is not None and c.dtype.base == "int"]
    if not columns:
        return
    table = repo.rows(schema.events, columns, end=schema.spec.split.end)
    for column in columns:
        values = pc.unique(table.column(column.name)).drop_null().to_pylist()
        strange = sorted(set(values) - {0, 1})
        if strange:
            places = uses[column.name]
            more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
            yield Problem(
                f"{file}: {places[0]}",
                f"{column.name!r} holds {_few(strange)}; a boolean or 0/1 column was expected{more}",
            )


def _few(values: list[int]) -> str:
    shown = ", ".join(map(str, values[:3]))
    return f"{shown} and {len(values) - 3} other values" if len(values) > 3 else shown
