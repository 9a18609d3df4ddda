"""Features as of a time: by our own join where it applies, else by Feast's; the same rows either way."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from tfrs_mtl.dataset.asof import features_by_asof, is_applicable
from tfrs_mtl.errors import DataError, StoreError
from tfrs_mtl.schema import Side
from tfrs_mtl.store import FeatureRepo, arrow_type

Engine = Literal["auto", "asof", "feast"]


def features_as_of(repo: FeatureRepo, side: Side, rows: pa.Table, *, engine: Engine = "auto") -> pa.Table:
    """Return a side's fetched features as of each row's time.

    Args:
        rows: the side's join key and ``event_timestamp`` (microseconds, UTC), [n], any order, repeats too.
        engine: ``asof`` needs parquet files on the duckdb store; ``auto`` takes it where it applies.

    Returns:
        One column a fetched feature, named ``view__column``, [n], in the order of ``rows``.
    """
    if side.service is None or not side.fetched or len(rows) == 0:
        return empty_features(side, len(rows))
    applies = is_applicable(side, repo.catalogue.offline_store)
    if engine == "asof" and not applies:
        raise DataError(f"the views of {side.service.name!r} are not all parquet files on the duckdb store")
    table = features_by_asof(side, rows) if applies and engine != "feast" else repo.historical(side, rows)
    if len(table) != len(rows):
        raise StoreError(f"{len(rows)} rows went into the point-in-time join and {len(table)} came out")
    return table


def empty_features(side: Side, size: int) -> pa.Table:
    """Return a side's fetched features for ``size`` rows of which nothing is known: all null."""
    return pa.table({f.name: pa.nulls(size, arrow_type(f.dtype)) for f in side.fetched})
