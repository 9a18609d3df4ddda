"""The present of a shop's data: the moment as of which the latest recommendations are made."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from tfrs_mtl.schema import Schema

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def grid_time_after(moment: datetime, every: timedelta) -> datetime:
    """Return the first multiple of ``every`` since the Unix epoch that comes after a moment."""
    return _EPOCH + ((moment - _EPOCH) // every + 1) * every


def present_of(schema: Schema, last: datetime, *, now: datetime) -> datetime:
    """Return the moment at which all interactions so far are in some snapshot, but not after ``now``.

    In a shop that runs this is ``now``, give or take a snapshot; of old data it is the end.
    """
    spec = schema.spec
    cadences = [declared.every or spec.behaviour.every for _, declared in schema.behaviour]
    ends = [grid_time_after(last, every) for every in cadences]
    return min(max([last + timedelta(microseconds=1), *ends]), now)
