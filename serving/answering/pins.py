"""Pins: the items that rules put at fixed positions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.request import Limits
from serving.sources import SOURCES, Candidates
from serving.state import Rule, State
from tfrs_mtl.index import Found
from tfrs_mtl.scoring import EncodedQueries, merged
from tfrs_mtl.spec import Pin

SOURCE = "rules"
"""The candidate source that pins are."""


class Pinned(NamedTuple):
    """What stands at fixed positions.

    Attributes:
        rows: row of the snapshot that stands at each position, [n, k]; -1 where none is pinned.
        rules: place, among the rules, of the one that put it there, [n, k]; -1 where none is pinned.
    """

    rows: NDArray[np.int32]
    rules: NDArray[np.int32]


def with_pins(
    state: State, rules: Sequence[Rule], queries: EncodedQueries, candidates: Candidates, limits: Limits
) -> Candidates:
    """Add to each query's candidates what the pins may put before it."""
    # Where a source was late already, the quickest alone.
    sources = ("popular",) if candidates.late else ("towers", "popular")
    found = [part for rule, pin in pins(rules) for part in _named(state, rule, pin, queries, limits, sources)]
    if not found:
        return candidates
    rows = np.hstack(found)
    named = {**candidates.named, SOURCE: Found(rows, np.full(rows.shape, np.nan, np.float32))}
    return replace(candidates, rows=merged([candidates.rows, rows], state.size), named=named)


def pins(rules: Sequence[Rule]) -> Iterator[tuple[Rule, Pin]]:
    """Yield the rules that pin, with what the spec says of them."""
    for rule in rules:
        if isinstance(rule.given, Pin):
            yield rule, rule.given


def _named(
    state: State,
    rule: Rule,
    pin: Pin,
    queries: EncodedQueries,
    limits: Limits,
    sources: Sequence[str],
) -> Iterator[NDArray[np.int32]]:
    own = Limits() if pin.despite_limits else limits
    if len(rule.rows):
        yield own.kept(np.tile(rule.rows, (len(queries), 1)), state.size)
    if rule.mask is not None:
        allowed = rule.mask if own.allowed is None else rule.mask & own.allowed
        for source in sources:  # the popular for those of whom the towers know nothing
            quota = min(len(pin.positions), state.size)
            yield SOURCES[source](state, queries, quota, Limits(allowed, own.excluded)).rows


def place(rules: Sequence[Rule], rows: NDArray[np.int32], within: NDArray[np.bool_], k: int) -> Pinned:
    """Give the pins their positions; where one is taken already, the item takes the next that is free.

    Args:
        rows: each query's candidates, best first, [n, c]; -1 where there is none.
        within: which of them the limits let through, [n, c].
    """
    pinned = Pinned(np.full((len(rows), k), -1, np.int32), np.full((len(rows), k), -1, np.int32))
    for number, rule in enumerate(rules):
        if isinstance(rule.given, Pin):
            for query, candidates in enumerate(rows):
                may = candidates >= 0 if rule.given.despite_limits else (candidates >= 0) & within[query]
                _take(pinned, query, _eligible(rule, candidates[may]), rule.given.positions, number)
    return pinned


def _eligible(rule: Rule, candidates: NDArray[np.int32]) -> Iterable[int]:
    """Return the candidates that a pin may place: those named in their order, then the rest by score."""
    named = rule.rows[np.isin(rule.rows, candidates)]
    matching = candidates[rule.mask[candidates]] if rule.mask is not None else candidates[:0]
    return dict.fromkeys([*named.tolist(), *matching.tolist()])


def _take(pinned: Pinned, query: int, rows: Iterable[int], positions: Sequence[int], rule: int) -> None:
    taken = set(pinned.rows[query].tolist())
    free = (row for row in rows if row not in taken)
    for position, row in zip(positions, free, strict=False):
        places = np.flatnonzero(pinned.rows[query, position - 1 :] < 0)
        if len(places):
            pinned.rows[query, position - 1 + places[0]] = row
            pinned.rules[query, position - 1 + places[0]] = rule
