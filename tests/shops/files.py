"""Writing a shop's repo: its definitions as they stand beside this file, its data as parquet."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

MOMENT = pa.timestamp("us", tz="UTC")
"""Microseconds: pandas' nanoseconds with a zone fail in Feast's duckdb store."""
DAY = 86_400_000_000
"""A day in microseconds."""


def micros(moment: datetime) -> int:
    """Return a moment as microseconds since 1970."""
    return round(moment.timestamp() * 1e6)


def moments(values: NDArray[np.int64]) -> pa.Array:
    """Return microseconds since 1970 as UTC timestamps."""
    return pa.array(values, type=pa.int64()).cast(MOMENT)


def maybe(values: object, missing: NDArray[np.bool_], type: pa.DataType | None = None) -> pa.Array:
    """Return values with nulls where they are missing."""
    listed = list(values)  # type: ignore[call-overload]
    return pa.array([None if gone else value for value, gone in zip(listed, missing, strict=True)], type=type)


def write_repo(template: Path, root: Path, tables: Mapping[str, pa.Table]) -> Path:
    """Copy the definitions into ``root`` and write each table beside them; return the repo's path."""
    shutil.copytree(template, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    data = root / "data"
    data.mkdir(exist_ok=True)
    for name, table in tables.items():
        pq.write_table(table, data / f"{name}.parquet")
    return root
