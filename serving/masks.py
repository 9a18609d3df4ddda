"""The spec's filters as masks: an SQL expression over the item snapshot, evaluated once a snapshot."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.frames import ITEM_ID
from tfrs_mtl.errors import Problem, SpecError
from tfrs_mtl.schema import Schema
from tfrs_mtl.scoring import ItemSnapshot
from tfrs_mtl.spec import ItemFilter

_ROW = "#row"


def evaluate(
    schema: Schema, items: ItemSnapshot, filters: Mapping[str, ItemFilter]
) -> dict[str, NDArray[np.bool_]]:
    """Return filter -> [items]: true where its expression is; null counts as false.

    Raises:
        SpecError: an expression is no SQL or names no column; DuckDB's message is passed on.
    """
    if not filters:
        return {}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("items", _table(schema, items))
        connection.execute(
            "SET enable_external_access = false"
        )  # an expression reads the items and nothing else
        connection.execute("SET lock_configuration = true")
        return {name: _evaluated(connection, name, given.where) for name, given in filters.items()}


def _evaluated(connection: duckdb.DuckDBPyConnection, name: str, where: str) -> NDArray[np.bool_]:
    sql = f'SELECT coalesce(CAST(({where}\n) AS BOOLEAN), false) AS mask FROM items ORDER BY "{_ROW}"'
    try:
        found = connection.execute(sql).fetchnumpy()["mask"]
    except duckdb.Error as error:
        raise SpecError(Problem(f"serving.filters.{name}.where", f"{where!r}: {error}")) from error
    return np.asarray(found, np.bool_)


def _table(schema: Schema, items: ItemSnapshot) -> pa.Table:
    """Return the items with their features by column name; of two of one name, each as ``view__column``."""
    features = schema.item.fetched
    bare = [feature.column for feature in features]
    names = {f.name: f.column if bare.count(f.column) == 1 else f.name for f in features}
    columns = {names[name]: items.frame.columns[name] for name in names}
    keys = {schema.item.key.name: items.frame.columns[ITEM_ID], _ROW: pa.array(np.arange(len(items.frame)))}
    return pa.table({**columns, **keys})
