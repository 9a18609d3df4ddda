"""Whom a batch is for: everybody known, or a file of them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tfrs_mtl.dataset.frames import flat
from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.errors import DataError
from tfrs_mtl.schema import Schema
from tfrs_mtl.store import arrow_type


def all_queries(shop: Shop, at: int) -> pa.Array:
    """Return the keys of all queries known at a moment (microseconds)."""
    return shop.queries.keys.slice(0, shop.queries.known(at))


def read_queries(file: Path, schema: Schema) -> pa.Array:
    """Read keys from a parquet file (the join key's column) or a text file (one a line), each once.

    Raises:
        DataError: the file cannot be read, lacks the column, or holds what is no key.
    """
    key = schema.query.key
    wanted = arrow_type(key.dtype)
    try:
        if file.suffix == ".parquet":
            names = pq.read_schema(file).names
            if key.name not in names:
                raise DataError(f"{file}: no column {key.name!r}; it has {', '.join(names)}")
            column = flat(pq.read_table(file, columns=[key.name]).column(0))
        else:
            lines = file.read_text(encoding="utf-8").splitlines()
            column = pa.array([line.strip() for line in lines if line.strip()], pa.string())
        return pc.unique(column.drop_null().cast(wanted))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
    except pa.ArrowInvalid as error:
        raise DataError(f"{file}: {key.name!r} is {key.dtype.text}: {error}") from error
