"""Reading the queries' features online, once a request, for as long as the deadline allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from serving.answer import Degraded
from serving.request.request import Request
from serving.request.workers import Workers
from serving.state import State
from tfrs_mtl.dataset.frames import QUERY_ID, Frame, to_frame
from tfrs_mtl.dataset.interactions import microseconds
from tfrs_mtl.dataset.point_in_time import empty_features
from tfrs_mtl.errors import TfrsMtlError
from tfrs_mtl.schema import Side
from tfrs_mtl.scoring import filled
from tfrs_mtl.store import Dated


@dataclass(frozen=True)
class Asked:
    """The queries of a request with what is known of them.

    Attributes:
        queries: their features, [n]; all null where they could not be read.
        known: whether the models can say anything of a query, [n].
        degraded: what is amiss with each query, [n].
        written: view -> event time of each query's row in it, [n]; null where the store holds none.
        expired: the views whose row of a query is past its TTL, [n].
    """

    queries: Frame
    known: NDArray[np.bool_]
    degraded: tuple[tuple[Degraded, ...], ...]
    written: Mapping[str, pa.Array] = field(default_factory=dict)
    expired: tuple[tuple[str, ...], ...] = ()


class Reader:
    """Reads in a pool of threads, so that a store that hangs costs a request its deadline and no more."""

    def __init__(self, threads: int) -> None:
        self._workers = Workers("read", threads)

    def read(self, state: State, request: Request) -> Asked:
        """Return the queries' features, or why there are none."""
        (table, written), trouble = self._features(state, request)
        queries = to_frame(QUERY_ID, request.keys, table, request.times)
        fills = filled(queries)
        known = fills if fills.all() else state.scorer.knows(queries)
        expired = _expired(state.schema.query, written, len(request.keys), request.at)
        degraded = tuple(
            trouble + _amiss(state, bool(knows), bool(has), bool(past), trouble)
            for knows, has, past in zip(known, fills, expired, strict=True)
        )
        return Asked(queries, known, degraded, written, expired)

    def read_items(self, state: State, request: Request, keys: pa.Array) -> pa.Table | None:
        """Return the live features of items; None where what is left of the deadline does not suffice."""
        live = tuple(f for f in state.schema.item.fetched if f.name in state.live)
        found = self._fetch(state, replace(state.schema.item, fetched=live), keys, request)
        return found.values if isinstance(found, Dated) else None

    def close(self) -> None:
        """Let go of the threads; a read that hangs is not waited for."""
        self._workers.close()

    def _features(self, state: State, request: Request) -> tuple[Dated, tuple[Degraded, ...]]:
        side, size = state.schema.query, len(request.keys)
        if side.service is None or not side.fetched or not size:
            return _nothing(side, size), ()
        found = self._fetch(state, side, request.keys, request)
        return (found, ()) if isinstance(found, Dated) else (_nothing(side, size), (found,))

    def _fetch(self, state: State, side: Side, keys: pa.Array, request: Request) -> Dated | Degraded:
        """Read in what is left of the request's deadline; return why there is nothing where that fails."""
        read = partial(state.project.repo.online_dated, side, keys.to_pylist(), at=request.at)
        until = min(request.began + state.settings.deadline.total_seconds(), request.until)
        try:
            return self._workers.within(until, {"read": read}).get("read", "store_timeout")
        except TfrsMtlError:
            return "store_unavailable"


def _nothing(side: Side, size: int) -> Dated:
    return Dated(empty_features(side, size), {})


def _expired(
    side: Side, written: Mapping[str, pa.Array], size: int, at: datetime
) -> tuple[tuple[str, ...], ...]:
    """Return the views whose row of a query is past its TTL by a moment, [n]; at its very end it is not."""
    ttls = {s.name: s.view.ttl for s in side.service.selections} if side.service is not None else {}
    found: list[list[str]] = [[] for _ in range(size)]
    for view, times in written.items():
        ttl = ttls.get(view)
        if ttl is not None:
            stamps = times.cast(pa.int64()).to_numpy(zero_copy_only=False)  # NaN where there is none
            for query in np.flatnonzero(stamps < microseconds(at - ttl)).tolist():
                found[query].append(view)
    return tuple(map(tuple, found))


def _amiss(
    state: State, known: bool, filled: bool, expired: bool, trouble: tuple[Degraded, ...]
) -> tuple[Degraded, ...]:
    if not known:
        return ("unknown_query",)
    if filled:
        return ("features_expired",) if expired else ()
    expects = state.schema.query.service is not None and bool(state.schema.query.fetched)
    return ("features_missing",) if expects and not trouble else ()
