"""Logged answers again: the features that were served, beside what training sees as of the same moments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from serving.log import logged_queries
from serving.skew.causes import explained
from serving.skew.compare import compare
from serving.skew.report import Report
from serving.skew.sampled import met, rows_of
from serving.state import State
from tfrs_mtl.dataset.frames import QUERY_ID, flat, query_frame
from tfrs_mtl.errors import DataError
from tfrs_mtl.schema import Schema
from tfrs_mtl.store import MOMENT

_UNREAD = ("store_unavailable", "store_timeout")


def replayed(state: State, log: pa.Table, *, rows: int, seed: int) -> Report:
    """Compare both paths on logged answers of the state's bundle.

    Each query meets the first item that it was shown; items are the bundle's on both sides. Answers whose
    read failed are left out: they say so. What the log does not hold, as it was sensitive, has the offline
    value on both sides, and is named in the report.

    Args:
        log: see ``read_log``.
        rows: how many answers, drawn at random; fewer where there are no more.

    Raises:
        DataError: the log holds no answer of this bundle.
    """
    schema = state.schema
    table = _drawn(_read(log, state.bundle), rows=rows, seed=seed)
    if not len(table):
        raise DataError(f"the log holds no answer of bundle {state.bundle} whose features were read")
    served = logged_queries(table, schema)
    keys = served.columns[QUERY_ID]
    offline = query_frame(state.project.repo, schema, keys, served.times)
    unlogged = _unlogged(schema, table)
    served = replace(served, columns={**served.columns, **{n: offline.columns[n] for n in unlogged}})
    chosen, item_rows = np.unique(_first_items(state, table), return_inverse=True)
    items = rows_of(state.items.frame, chosen)
    context = {f.name: flat(table.column(f.name)) for f in schema.context if f.name in table.column_names}
    both = [met(state, queries, items, item_rows, context) for queries in (offline, served)]
    found = compare(
        state.scorer.models.preprocessor, offline=both[0], served=both[1], sensitive=schema.sensitive
    )
    mine = tuple(difference for difference in found if difference.part == "query")
    if mine:
        repo, written = state.project.repo, _written(table)
        mine = explained(repo, schema.query, mine, keys=keys, served=served, written=written)
    return Report(
        bundle=state.bundle,
        at=table.column("at")[-1].as_py(),
        queries=len(table),
        items=len(chosen),
        pairs=len(table),
        items_at=state.at,
        items_from="bundle",
        differences=(*mine, *(difference for difference in found if difference.part != "query")),
        unlogged=(*unlogged, *(f.name for f in schema.context if f.name not in context)),
    )


def _unlogged(schema: Schema, table: pa.Table) -> tuple[str, ...]:
    """Return the query's features that are sensitive by now, or were when all of the rows were logged."""
    held = set(table.column_names) - schema.sensitive
    return tuple(feature.name for feature in schema.query.fetched if feature.name not in held)


def _read(log: pa.Table, bundle: str) -> pa.Table:
    """Keep the answers of a bundle whose features were read."""
    was_read = [not set(reasons or ()) & set(_UNREAD) for reasons in log.column("degraded").to_pylist()]
    return log.filter(pc.and_(pa.array(was_read, pa.bool_()), pc.equal(log.column("bundle"), bundle)))


def _drawn(table: pa.Table, *, rows: int, seed: int) -> pa.Table:
    chosen = np.random.default_rng(seed).permutation(len(table))[:rows]
    return table.take(pa.array(np.sort(chosen)))


def _first_items(state: State, table: pa.Table) -> np.ndarray:
    """Return the row of the first item of each answer, [n]; any row where it was shown none that is here."""
    first = [items[0] if items else None for items in table.column("items").to_pylist()]
    return np.maximum(state.rows_of(pa.array(first, state.items.keys.type)), 0).astype(np.int64)


def _written(table: pa.Table) -> dict[str, pa.Array]:
    held = [dict(views or ()) for views in table.column("written").to_pylist()]
    views = {view for row in held for view in row}
    return {view: pa.array([row.get(view) for row in held], MOMENT) for view in views}
