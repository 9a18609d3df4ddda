"""Arrow columns as columns of a SQL table: types that fit every database, and rows of plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from tfrs_mtl.batch.sinks.protocol import QUERY, RUN_ID
from tfrs_mtl.errors import DataError

KEY_LENGTH = 255
"""The longest string key: MariaDB and MySQL index no text without a length."""

_KEYS = (RUN_ID, QUERY, "item")

# MariaDB's DATETIME drops fractions of a second unless it is told to keep them.
_MOMENT = (
    sa.DateTime(timezone=True)
    .with_variant(mysql.DATETIME(fsp=6), "mysql")
    .with_variant(mysql.DATETIME(fsp=6), "mariadb")
)

_TYPES: tuple[tuple[Callable[[pa.DataType], bool], TypeEngine[Any]], ...] = (
    (pa.types.is_boolean, sa.Boolean()),
    (lambda dtype: dtype == pa.uint64(), sa.Numeric(20, 0)),
    (pa.types.is_integer, sa.BigInteger()),
    (pa.types.is_floating, sa.Double()),
    (lambda dtype: pa.types.is_string(dtype) or pa.types.is_large_string(dtype), sa.Text()),
    (pa.types.is_timestamp, _MOMENT),
    (pa.types.is_date, sa.Date()),
)

# What a column that is there already may hold, beside the type we would have made it of.
_ALSO: dict[type, tuple[type, ...]] = {bool: (int,), int: (Decimal,), float: (Decimal,), Decimal: (int,)}


def table_of(schema: pa.Schema, name: str) -> sa.Table:
    """Return the table that holds batches of a schema, indexed by run and by query.

    ``name`` may lead with a database schema: ``shop.recommendations``.

    Raises:
        DataError: a column's type has no place in a table (a list, say); it is named.
    """
    space, _, own = name.rpartition(".")
    columns = [sa.Column(f.name, _type_of(f), index=f.name in (RUN_ID, QUERY)) for f in schema]
    table: sa.Table = sa.Table(
        own,
        sa.MetaData(),
        *columns,
        schema=space or None,
        # Case and accents count in ids. MariaDB's default collation ignores both.
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
    )
    return table


def _type_of(field: pa.Field) -> TypeEngine[Any]:
    for fits, chosen in _TYPES:
        if fits(field.type):
            return sa.String(KEY_LENGTH) if isinstance(chosen, sa.Text) and field.name in _KEYS else chosen
    raise DataError(f"column {field.name!r}: no SQL type holds {field.type}; leave it out or flatten it")


def mismatches(wanted: sa.Table, found: Iterable[Any], dialect: sa.Dialect) -> list[str]:
    """Return how the columns that a database reported (``Inspector.get_columns``) differ from the wanted."""
    there: dict[str, TypeEngine[Any]] = {column["name"]: column["type"] for column in found}
    missing = [
        f"{c.name} is missing ({_named(c.type, dialect)})" for c in wanted.columns if c.name not in there
    ]
    foreign = [
        f"{name} is not ours ({_named(there[name], dialect)})" for name in there if name not in wanted.columns
    ]
    other = [
        f"{c.name} is {_named(there[c.name], dialect)}, expected {_named(c.type, dialect)}"
        for c in wanted.columns
        if c.name in there and not _holds(there[c.name], c.type)
    ]
    return missing + foreign + other


def _holds(found: TypeEngine[Any], wanted: TypeEngine[Any]) -> bool:
    try:
        return found.python_type in (wanted.python_type, *_ALSO.get(wanted.python_type, ()))
    except NotImplementedError:
        return False


def _named(dtype: TypeEngine[Any], dialect: sa.Dialect) -> str:
    try:
        return str(dtype.compile(dialect=dialect))
    except sa.exc.CompileError:
        return str(dtype)


def rows_of(table: pa.Table, *, zoned: bool) -> list[dict[str, Any]]:
    """Return rows of plain Python values, for an insert.

    NaN and infinities become NULL, which is what databases agree on. Timestamps are cut to microseconds;
    they keep their zone where ``zoned``, else they are UTC without one.
    """
    names: Sequence[str] = table.column_names
    columns = [_plain(column, zoned=zoned).to_pylist() for column in table.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _plain(column: pa.ChunkedArray, *, zoned: bool) -> pa.ChunkedArray:
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_finite(column), column, None)
    if pa.types.is_timestamp(column.type):
        # Casting from a zone to none keeps the moment as UTC; without a zone it is taken for UTC.
        return column.cast(pa.timestamp("us", tz="UTC" if zoned else None), safe=False)
    return column
