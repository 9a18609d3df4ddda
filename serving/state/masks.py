"""The spec's expressions as masks: SQL over the item snapshot, evaluated once a snapshot."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.frames import ITEM_ID, Frame
from tfrs_mtl.errors import Problem, SpecError
from tfrs_mtl.schema import Schema
from tfrs_mtl.spec import ItemFilter

Mask = NDArray[np.bool_]
"""True where an expression holds, [items]."""

_ROW = "#row"


def filter_masks(schema: Schema, items: Frame, filters: Mapping[str, ItemFilter]) -> dict[str, Mask]:
    """Return the spec's filters as masks, by name; SpecError as in ``evaluate``."""
    keys = {name: f"serving.filters.{name}.where" for name in filters}
    found = evaluate(schema, items, {keys[name]: own.where for name, own in filters.items()})
    return {name: found[key] for name, key in keys.items()}


def evaluate(schema: Schema, items: Frame, expressions: Mapping[str, str]) -> dict[str, Mask]:
    """Return key -> [items]: true where its expression is; null counts as false.

    Args:
        expressions: key of the spec -> SQL.

    Raises:
        SpecError: an expression is no SQL or names no column; DuckDB's message is passed on.
    """
    if not expressions:
        return {}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("items", _table(schema, items))
        connection.execute(
            "SET enable_external_access = false"
        )  # an expression reads the items and nothing else
        connection.execute("SET lock_configuration = true")
        return {key: _evaluated(connection, key, where) for key, where in expressions.items()}


def _evaluated(connection: duckdb.DuckDBPyConnection, key: str, where: str) -> Mask:
    sql = f'SELECT coalesce(CAST(({where}\n) AS BOOLEAN), false) AS mask FROM items ORDER BY "{_ROW}"'
    try:
        found = connection.execute(sql).fetchnumpy()["mask"]
    except duckdb.Error as error:
        raise SpecError(Problem(key, f"{where!r}: {error}")) from error
    return np.asarray(found, np.bool_)


def _table(schema: Schema, items: Frame) -> pa.Table:
    """Return the items with their features by column name; of two of one name, each as ``view__column``."""
    features = schema.item.fetched
    bare = [feature.column for feature in features]
    names = {f.name: f.column if bare.count(f.column) == 1 else f.name for f in features}
    columns = {names[name]: items.columns[name] for name in names}
    keys = {schema.item.key.name: items.columns[ITEM_ID], _ROW: pa.array(np.arange(len(items)))}
    return pa.table({**columns, **keys})
