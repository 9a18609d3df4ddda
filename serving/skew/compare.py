"""Rows as both paths see them, compared feature by feature: the raw values, and what the models are fed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from serving.answer import Key, Shown
from tfrs_mtl.dataset.assemble import Raw
from tfrs_mtl.dataset.encoders import Encoded, Encoder
from tfrs_mtl.dataset.frames import ITEM_ID, QUERY_ID, Frame
from tfrs_mtl.dataset.interactions import moments
from tfrs_mtl.dataset.preprocessor import Part, Preprocessor

Mask = NDArray[np.bool_]
WITHHELD = "(sensitive)"
"""What stands in place of a sensitive value."""


@dataclass(frozen=True)
class Example:
    """One row that differs.

    Attributes:
        query, item: whose row it is; None where it is not of them.
        at: the moment as of which both paths were asked.
        offline, served: the value by either path; ``WITHHELD`` of a sensitive feature.
        written: event time of what the online store holds of the view; None where that is nothing.
    """

    query: Key | None
    item: Key | None
    at: datetime
    offline: Shown
    served: Shown
    written: datetime | None = None


@dataclass(frozen=True)
class Difference:
    """A feature that the two paths do not agree on.

    Attributes:
        rows: how many rows have another value.
        inputs: how many of the rows feed the models something else.
        causes: why, with the number of rows; empty where it follows from other features (see ``causes.py``).
        where: the rows, in the order of the part's frame.
    """

    part: Part
    feature: str
    rows: int
    inputs: int
    example: Example
    causes: Mapping[str, int] = field(default_factory=dict)
    where: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64), repr=False)


def compare(
    preprocessor: Preprocessor, *, offline: Raw, served: Raw, sensitive: Collection[str] = ()
) -> tuple[Difference, ...]:
    """Return every feature whose value or model input differs in some row; exactly, to the last bit.

    Args:
        offline, served: the same queries, items and pairs, row by row, by either path.
        sensitive: features whose values are not to be told.
    """
    found: list[Difference] = []
    sides: tuple[tuple[Part, Frame | None, Frame | None], ...] = (
        ("query", offline.queries, served.queries),
        ("item", offline.items, served.items),
        ("pair", offline.pairs, served.pairs),
    )
    for part, ours, theirs in sides:
        if ours is not None and theirs is not None:
            found += _of_part(part, preprocessor.part(part), ours, theirs, offline)
    return tuple(_withheld(each) if each.feature in sensitive else each for each in found)


def _withheld(found: Difference) -> Difference:
    return replace(found, example=replace(found.example, offline=WITHHELD, served=WITHHELD))


def _of_part(
    part: Part, encoders: Iterable[Encoder], offline: Frame, served: Frame, raw: Raw
) -> list[Difference]:
    fed = {e.feature: _fed_otherwise(e, offline, served) for e in encoders}
    found = []
    for name, column in offline.columns.items():
        differs = differing(column, served.columns[name])
        inputs = fed.get(name, np.zeros(len(offline), np.bool_))
        where = np.flatnonzero(differs | inputs)
        if len(where):
            example = _example(part, raw, int(where[0]), column, served.columns[name])
            counts = int(differs.sum()), int(inputs.sum())
            found.append(Difference(part, name, *counts, example, where=where))
    return found


def _example(part: Part, raw: Raw, row: int, offline: pa.Array, served: pa.Array) -> Example:
    query_row = {"query": row, "item": None}.get(part, int(raw.query_rows[row]) if part == "pair" else None)
    item_row = {"query": None, "item": row}.get(part, int(raw.item_rows[row]) if part == "pair" else None)
    frame = raw.items if query_row is None else raw.queries
    time = frame.times[row if part != "pair" else raw.query_rows[row]]
    return Example(
        query=None if query_row is None else raw.queries.columns[QUERY_ID][query_row].as_py(),
        item=None if item_row is None else raw.items.columns[ITEM_ID][item_row].as_py(),
        at=moments(np.array([time], np.int64))[0].as_py(),
        offline=offline[row].as_py(),
        served=served[row].as_py(),
    )


def differing(a: pa.Array, b: pa.Array) -> Mask:
    """Say where two columns of one type differ, [n]: null and an empty list are two things, NaN is itself."""
    if a.type == b.type and a.equals(b):
        return np.zeros(len(a), np.bool_)
    return np.array([not _same(x, y) for x, y in zip(a.to_pylist(), b.to_pylist(), strict=True)], np.bool_)


def _same(a: object, b: object) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


def _fed_otherwise(encoder: Encoder, offline: Frame, served: Frame) -> Mask:
    """Say in which rows an encoder makes something else of the two, [n]."""
    ours, theirs = (encoder.encode(frame.columns, frame.times) for frame in (offline, served))
    differs = np.zeros(len(offline), np.bool_)
    for a, b in zip(_arrays(ours), _arrays(theirs), strict=True):
        same = (a == b) | ((a != a) & (b != b))
        differs |= ~same.reshape(len(same), -1).all(axis=1)
    return differs


def _arrays(encoded: Encoded) -> list[NDArray[np.generic]]:
    sparse = [encoded.sparse[name] for name in sorted(encoded.sparse)]
    return sparse if encoded.dense is None else [encoded.dense, *sparse]
