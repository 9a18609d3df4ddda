"""Sampled interactions by both paths: read online as a request reads them, and as training does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from serving.request import checked_context
from serving.skew.causes import explained
from serving.skew.compare import Difference, compare
from serving.skew.report import Report
from serving.state import State, read_items
from tfrs_mtl.dataset.assemble import Raw
from tfrs_mtl.dataset.frames import (
    ITEM_ID,
    QUERY_ID,
    Frame,
    flat,
    item_frame,
    pair_frame,
    query_frame,
    to_frame,
)
from tfrs_mtl.dataset.interactions import Interactions, microseconds, read_interactions
from tfrs_mtl.dataset.point_in_time import empty_features
from tfrs_mtl.errors import RequestError
from tfrs_mtl.schema import Side

Ints = NDArray[np.int64]
_KEYS_A_READ = 500


@dataclass(frozen=True)
class Sample:
    """n pairs that a request could be about.

    Attributes:
        queries: distinct join keys, [n].
        rows: the row of the snapshot that each meets, [n].
        context: column -> what the request knows, [n].
    """

    queries: pa.Array
    rows: Ints
    context: dict[str, pa.Array]


def sampled(state: State, *, rows: int, seed: int, at: datetime | None = None) -> Report:
    """Compare both paths on a sample: distinct queries, each with an item that it met or with any.

    Args:
        rows: how many queries; fewer where there are no more.
        at: the moment as of which both are asked; default: the latest materialisation.

    Raises:
        RequestError: no moment is given, and nothing was materialised.
        StoreError: a store cannot be read.
    """
    moment = at or _latest(state)
    repo, schema = state.project.repo, state.schema
    interactions = read_interactions(repo, schema, end=moment)
    sample = draw(state, interactions, rows=rows, seed=seed)
    chosen, item_rows = np.unique(sample.rows, return_inverse=True)
    item_keys = state.items.keys.take(pa.array(chosen))
    is_read = state.settings.refresh is not None
    items_at = moment if is_read else state.at
    times = np.full(len(sample.queries), microseconds(moment), np.int64)
    item_times = np.full(len(chosen), microseconds(items_at), np.int64)

    served_queries = read_queries(state, sample.queries, moment)
    served_items = read_items(state, item_keys, moment) if is_read else rows_of(state.items.frame, chosen)
    served = met(state, served_queries, served_items, item_rows, _typed(state, sample.context))
    offline = met(
        state,
        query_frame(repo, schema, sample.queries, times),
        item_frame(repo, schema, item_keys, item_times),
        item_rows,
        {f.name: sample.context[f.column] for f in schema.context},
    )
    preprocessor, sensitive = state.scorer.models.preprocessor, state.schema.sensitive
    found = compare(preprocessor, offline=offline, served=served, sensitive=sensitive)
    return Report(
        bundle=state.bundle,
        at=moment,
        queries=len(sample.queries),
        items=len(chosen),
        pairs=len(sample.rows),
        items_at=items_at,
        items_from="store" if is_read else "bundle",
        differences=_explained(state, found, served, with_items=is_read, at=moment),
    )


def draw(state: State, interactions: Interactions, *, rows: int, seed: int) -> Sample:
    """Draw queries with one interaction each; every other meets an item at random instead."""
    rng = np.random.default_rng(seed)
    shuffled = interactions.take(rng.permutation(len(interactions)))
    first = np.sort(_first_of_each(shuffled.queries))[:rows]
    taken = shuffled.take(first)
    met = state.rows_of(taken.items).astype(np.int64)
    is_other = (met < 0) | (np.arange(len(met)) % 2 == 1)
    met[is_other] = rng.integers(0, state.size, int(is_other.sum()))
    context = {f.column: taken.context[f.name] for f in state.schema.context}
    return Sample(taken.queries, met, context)


def read_queries(state: State, keys: pa.Array, at: datetime) -> Frame:
    """Return queries' features as a request at a moment reads them."""
    side = state.schema.query
    times = np.full(len(keys), microseconds(at), np.int64)
    if side.service is None or not side.fetched:
        return to_frame(QUERY_ID, keys, empty_features(side, len(keys)), times)
    starts = range(0, len(keys), _KEYS_A_READ)
    blocks = [state.project.repo.online(side, keys.slice(s, _KEYS_A_READ).to_pylist(), at=at) for s in starts]
    return to_frame(QUERY_ID, keys, pa.concat_tables(blocks), times)


def _latest(state: State) -> datetime:
    sides = (state.schema.query, state.schema.item)
    ends = [end for side in sides if (end := state.project.repo.materialised(side)) is not None]
    if not ends:
        raise RequestError("at: nothing was materialised yet, by `feast materialize`; or give a moment")
    return max(ends)


def _first_of_each(keys: pa.Array) -> Ints:
    codes = keys.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    return np.asarray(np.unique(codes, return_index=True)[1], np.int64)


def rows_of(frame: Frame, rows: Ints) -> Frame:
    """Return some rows of a frame."""
    index = pa.array(rows)
    return Frame({name: column.take(index) for name, column in frame.columns.items()}, frame.times[rows])


def _typed(state: State, context: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Return the context as requests would bring it: plain values, checked one request at a time."""
    columns = {name: column.to_pylist() for name, column in context.items()}
    found: dict[str, list[pa.Array]] = {f.name: [] for f in state.schema.context}
    for row in zip(*columns.values(), strict=True):
        given = checked_context(state.schema, dict(zip(columns, row, strict=True)), size=1)
        for name, column in given.items():
            found[name].append(column)
    return {name: flat(pa.chunked_array(parts)) for name, parts in found.items()}


def met(state: State, queries: Frame, items: Frame, item_rows: Ints, context: dict[str, pa.Array]) -> Raw:
    """Return queries that each meet one item, with what belongs to both and to the request."""
    query_rows = np.arange(len(queries), dtype=np.int64)
    pairs = pair_frame(
        state.schema,
        queries,
        items,
        query_rows=query_rows,
        item_rows=item_rows,
        times=queries.times,
        context=context,
    )
    return Raw(queries, items, pairs, query_rows, item_rows)


def _explained(
    state: State, found: tuple[Difference, ...], served: Raw, *, with_items: bool, at: datetime
) -> tuple[Difference, ...]:
    """Add the causes of what differs in the online store; the bundle's snapshot has no times of its own."""
    sides = [("query", state.schema.query, served.queries, QUERY_ID)]
    if with_items:
        sides.append(("item", state.schema.item, served.items, ITEM_ID))
    done = list(found)
    for part, side, frame, identity in sides:
        mine = tuple(d for d in found if d.part == part)
        if mine and side.service is not None:
            keys = frame.columns[identity]
            written = _written(state, side, keys, at)
            more = explained(state.project.repo, side, mine, keys=keys, served=frame, written=written)
            done = [d for d in done if d.part != part] + list(more)
    return tuple(done)


def _written(state: State, side: Side, keys: pa.Array, at: datetime) -> dict[str, pa.Array]:
    starts, repo = range(0, len(keys), _KEYS_A_READ), state.project.repo
    blocks = [repo.online_dated(side, keys.slice(s, _KEYS_A_READ).to_pylist(), at=at).written for s in starts]
    return {view: pa.concat_arrays([block[view] for block in blocks]) for view in blocks[0]}
