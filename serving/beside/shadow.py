"""A shadow: another bundle asked the same beside the requests, so that its answers can be compared."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby
from typing import Any

import numpy as np
import pyarrow as pa

from serving.answer import Answer
from serving.answering import answer
from serving.beside.background import Background
from serving.log import Entry, write_log
from serving.request import Reader, read_request
from serving.state import State
from serving.status import Counters
from serving.wishes import Wishes
from tfrs_mtl.errors import TfrsMtlError
from tfrs_mtl.schema import Schema
from tfrs_mtl.store import MOMENT, arrow_type

_ROOM, _ROOM_TO_WRITE = 32, 1000


@dataclass(frozen=True)
class _Question:
    """A call that was answered, for the shadow to answer too."""

    state: State
    entry: Entry
    wishes: Wishes


class Shadow:
    """Asks a shadow bundle what requests asked, compares, and writes down what differs.

    It works off what it can in a thread of its own; what it cannot keep up with is dropped. No answer waits.
    """

    def __init__(self, counters: Counters, reader: Reader) -> None:
        self._counters = counters
        self._reader = reader
        self._background = Background("shadow", self._work, counters, room=_ROOM)
        self._differences = Background("shadow_log", self._write, counters, room=_ROOM_TO_WRITE)

    def offer(self, shadow: State | None, entry: Entry, wishes: Wishes) -> None:
        """Ask the shadow too, by chance, as the spec in force says; return at once."""
        settings = entry.state.settings.shadow
        if shadow is not None and settings is not None and random.random() < settings.share:
            self._background.offer(_Question(shadow, entry, wishes))

    def close(self) -> None:
        """Answer what was taken, write it down, and stop."""
        self._background.close()
        self._differences.close()

    def _work(self, questions: Sequence[_Question]) -> None:
        for question in questions:
            try:
                self._compare(question)
            except TfrsMtlError:  # it lacks a task that the request weighs, or a feature that it filters by
                self._counters.add("shadow_failures")

    def _compare(self, question: _Question) -> None:
        rows = [*_compared(question.entry, self._answers(question))]
        self._counters.add_all(
            {
                "shadowed": len(rows),
                "shadow_items": sum(row["k"] for row in rows),
                "shadow_common": sum(row["common"] for row in rows),
            }
        )
        settings = question.entry.state.settings.shadow
        assert settings is not None
        self._differences.offer((question.state, rows), gather=settings.every.total_seconds())

    def _write(self, pieces: Sequence[tuple[State, list[dict[str, Any]]]]) -> None:
        for _, run in groupby(pieces, key=lambda piece: id(piece[0])):
            states, rows = zip(*run, strict=True)
            table = _table(states[0].schema, [*chain.from_iterable(rows)])
            write_log(states[0].project.shadow_log, table)

    def _answers(self, question: _Question) -> Sequence[Answer]:
        state, entry = question.state, question.entry
        request = read_request(state, entry.request.queries, question.wishes, at=entry.request.at)
        read = entry.asked.queries
        if all(feature.name in read.columns for feature in state.schema.query.fetched):
            asked = replace(entry.asked, known=state.scorer.knows(read))
        else:  # it was trained on more than the other one reads
            asked = self._reader.read(state, request)
        return answer(state, request, asked)


def _compared(entry: Entry, answers: Sequence[Answer]) -> Iterator[dict[str, Any]]:
    """Yield how each answer of the shadow differs from the one that was given."""
    for given, other in zip(entry.answers, answers, strict=True):
        ranks = {item.item: (rank, item.score) for rank, item in enumerate(given.items)}
        both = [
            (rank - ranks[item.item][0], item.score - ranks[item.item][1])
            for rank, item in enumerate(other.items)
            if item.item in ranks
        ]
        differences = np.abs(np.array(both)).mean(axis=0).tolist() if both else (None, None)
        yield {
            "request_id": given.request_id,
            "at": entry.request.at,
            "query": given.query,
            "bundle": given.versions.bundle,
            "shadow": other.versions.bundle,
            "k": len(given.items),
            "common": len(both),
            "rank_difference": differences[0],
            "score_difference": differences[1],
            "items": [item.item for item in given.items],
            "shadow_items": [item.item for item in other.items],
        }


def _table(schema: Schema, rows: Sequence[dict[str, Any]]) -> pa.Table:
    items = pa.list_(arrow_type(schema.item.key.dtype))
    columns = {
        "request_id": pa.string(),
        "at": MOMENT,
        "query": arrow_type(schema.query.key.dtype),
        "bundle": pa.string(),
        "shadow": pa.string(),
        "k": pa.int64(),
        "common": pa.int64(),
        "rank_difference": pa.float64(),
        "score_difference": pa.float64(),
        "items": items,
        "shadow_items": items,
    }
    return pa.Table.from_pylist(list(rows), schema=pa.schema(list(columns.items())))
