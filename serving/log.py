"""The log of answers: its columns, its files, and reading them back.

A row is one answer to one query:

| column | type | what it is |
|---|---|---|
| ``request_id`` | string | ``Answer.request_id``; answers that were made together share it |
| ``at`` | timestamp, UTC | the moment of the request, by which features expired |
| ``query`` | the join key's | whose answer it is |
| ``bundle``, ``snapshot``, ``arm`` | string | ``Answer.versions``; no arm without an experiment |
| ``degraded`` | list of string | ``Answer.degraded`` |
| ``items`` | list of the join key's | what was shown, best first |
| ``scores`` | list of double | their scores |
| ``predictions`` | list of map | task -> prediction of each item |
| ``sources`` | list of list of string | the candidate sources of each item |
| ``written`` | map | view -> event time of the query's row in it, as the online store held it |
| ``view__feature`` | the registry's | the query's features as served (null past their TTL), and the context |

None of the features is one of the spec's ``sensitive``.

The files are ``<directory>/<day>/<any name>.parquet``, each renamed into place whole: a day that is no longer
wanted may be deleted while requests run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from serving.answer import Answer, Recommendation
from serving.request import Asked, Request
from serving.state import State
from tfrs_mtl.dataset.frames import QUERY_ID, Frame, to_frame
from tfrs_mtl.errors import DataError, StoreError
from tfrs_mtl.schema import Schema
from tfrs_mtl.store import MOMENT, arrow_type

_DAY = "%Y-%m-%d"


@dataclass(frozen=True)
class Entry:
    """What is logged of one call: the answers to its queries, and all they were made from."""

    state: State
    request: Request
    asked: Asked
    answers: Sequence[Answer]


def to_tables(entries: Sequence[Entry]) -> Iterator[tuple[State, pa.Table]]:
    """Yield the rows of some calls, a table for each run of calls that one state answered."""
    for _, run in groupby(entries, key=lambda entry: id(entry.state)):
        calls = list(run)
        yield calls[0].state, _table(calls)


def write_log(directory: Path, table: pa.Table) -> None:
    """Add rows to the log.

    Raises:
        StoreError: the disk failed.
    """
    days = pc.strftime(table.column("at"), format=_DAY)
    try:
        for day in days.unique().to_pylist():
            _write(directory / day, table.filter(pc.equal(days, day)))
    except OSError as error:
        raise StoreError(f"{directory}: the log could not be written: {error}") from error


def read_log(
    directory: Path, *, start: datetime | None = None, end: datetime | None = None, bundle: str | None = None
) -> pa.Table:
    """Return the rows with ``start <= at < end``, of one bundle where it is named, ordered by ``at``.

    A feature that only some of the files have is null in the rows of the others.

    Args:
        directory: ``Project.log``.

    Raises:
        DataError: there is no log, or a file of it cannot be read.
    """
    files = sorted(file for file in directory.glob("*/*.parquet") if _is_within(file.parent.name, start, end))
    if not files:
        raise DataError(f"{directory}: no log of that time; `serving.log` in recommender.yaml keeps one")
    try:
        # Permissive: bundles differ in their features.
        table = pa.concat_tables([pq.read_table(file) for file in files], promote_options="permissive")
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{directory}: the log cannot be read: {error}") from error
    wanted = pa.array([True] * len(table))
    for bound, compare in ((start, pc.greater_equal), (end, pc.less)):
        if bound is not None:
            wanted = pc.and_(wanted, compare(table.column("at"), pa.scalar(bound, MOMENT)))
    if bundle is not None:
        wanted = pc.and_(wanted, pc.equal(table.column("bundle"), bundle))
    return table.filter(wanted).sort_by("at")


def logged_queries(table: pa.Table, schema: Schema) -> Frame:
    """Return the queries of a log's rows with their features as served, [n]; null what the log lacks."""
    side = schema.query
    columns = {f.name: _column(table, f.name, arrow_type(f.dtype)) for f in side.fetched}
    keys = _column(table, "query", arrow_type(side.key.dtype))
    times = table.column("at").cast(pa.int64()).to_numpy()
    return to_frame(QUERY_ID, keys, pa.table(columns), times)


def _column(table: pa.Table, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    if name not in table.column_names:
        return pa.chunked_array([pa.nulls(len(table), kind)])
    return table.column(name).cast(kind)


def _is_within(day: str, start: datetime | None, end: datetime | None) -> bool:
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return False
    return (start is None or found >= _day(start)) and (end is None or found <= _day(end))


def _day(moment: datetime) -> date:
    return moment.astimezone(timezone.utc).date()


def _write(directory: Path, table: pa.Table) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    name = uuid4().hex
    partial = directory / f".{name}.partial"
    try:
        pq.write_table(table, partial, compression="zstd")
        os.replace(partial, directory / f"{name}.parquet")
    finally:
        partial.unlink(missing_ok=True)


def _table(entries: Sequence[Entry]) -> pa.Table:
    """Return the rows of calls that one state answered, [queries of all]."""
    schema = entries[0].state.schema
    key, item = arrow_type(schema.query.key.dtype), arrow_type(schema.item.key.dtype)
    answers = [answer for entry in entries for answer in entry.answers]
    moments = [entry.request.at for entry in entries for _ in entry.answers]
    columns = {
        "request_id": pa.array([answer.request_id for answer in answers], pa.string()),
        "at": pa.array(moments, MOMENT),
        "query": pa.array([answer.query for answer in answers], key),
        "bundle": pa.array([answer.versions.bundle for answer in answers], pa.string()),
        "snapshot": pa.array([answer.versions.snapshot for answer in answers], pa.string()),
        "arm": pa.array([answer.versions.arm for answer in answers], pa.string()),
        "degraded": pa.array([answer.degraded for answer in answers], pa.list_(pa.string())),
        "items": _each(answers, lambda item: item.item, item),
        "scores": _each(answers, lambda item: item.score, pa.float64()),
        "predictions": _each(
            answers, lambda item: list(item.predictions.items()), pa.map_(pa.string(), pa.float64())
        ),
        "sources": _each(answers, lambda item: item.sources, pa.list_(pa.string())),
        "written": _written(entries),
    }
    hidden = schema.sensitive
    for feature in (f for f in schema.query.fetched if f.name not in hidden):
        columns[feature.name] = pa.concat_arrays([e.asked.queries.columns[feature.name] for e in entries])
    for feature in (f for f in schema.context if f.name not in hidden):
        kind = arrow_type(feature.dtype)
        given = [e.request.context.get(feature.name, pa.nulls(len(e.answers), kind)) for e in entries]
        columns[feature.name] = pa.concat_arrays(given)
    return pa.table(columns)


def _each(answers: Sequence[Answer], value: Callable[[Recommendation], Any], kind: pa.DataType) -> pa.Array:
    return pa.array([[value(item) for item in answer.items] for answer in answers], pa.list_(kind))


def _written(entries: Sequence[Entry]) -> pa.Array:
    rows = []
    for entry in entries:
        views = {view: times.to_pylist() for view, times in entry.asked.written.items()}
        rows += [
            [(view, times[n]) for view, times in views.items() if times[n] is not None]
            for n in range(len(entry.answers))
        ]
    return pa.array(rows, pa.map_(pa.string(), MOMENT))
