"""What a query met of late is left out, whether a history or a pair view remembers it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from serving.request.limits import met_within
from tests.schema.registry import catalogue, found, selection, view, views
from tests.spec.examples import content
from tfrs_mtl.dataset.frames import Frame
from tfrs_mtl.dataset.lookup import Lookup
from tfrs_mtl.schema import Schema

_FIELDS = {"thing_id": "Array(Int64)", "days": "Array(Float32)", "days_bought": "Array(Float32)"}
_KEYS = Lookup(pa.array([10, 11, 12, 13, 14]))
_LISTS = {
    "user_counts__last_things": pa.array([[10, 11], None], pa.list_(pa.int64())),
    "user_counts__ages": pa.array([[1.0, 20.0], None], pa.list_(pa.float32())),
    "pairs__thing_id": pa.array([[12, 13, 99, 11], [14]], pa.list_(pa.int64())),
    "pairs__days": pa.array([[2.0, 30.0, 1.0, 20.0], [np.nan]], pa.list_(pa.float32())),
    "pairs__days_bought": pa.array([[np.nan, 3.0, 1.0, 20.0], [5.0]], pa.list_(pa.float32())),
}


def _schema(last: dict[str, Any] | None) -> Schema:
    """A shop with a pair view of the item, under another name in its service; maybe with a history."""
    spec = content()
    if last is not None:
        spec["behaviour"]["views"]["user_counts"]["features"]["last_things"] = last
    spec["behaviour"]["views"]["user_things"] = {
        "of": ["query", "item"],
        "features": {
            "days": {"measure": "recency"},
            "days_bought": {"measure": "recency", "where": "bought"},
        },
    }
    things = view("user_things", {"user_id": "String"}, _FIELDS)
    names = ("user_facts", "user_brands", *(("user_counts",) if last is not None else ()))
    if last is None:
        del spec["behaviour"]["views"]["user_counts"]
    users = [*(selection(views()[name]) for name in names), selection(things, name="pairs")]
    schema, problems = found(catalogue({"user_things": things}, users=users), spec)
    assert schema is not None, problems
    return schema


@pytest.mark.parametrize(
    ("last", "met"),
    [
        ({"measure": "last"}, [{10, 12}, set()]),
        ({"measure": "last", "where": "bought"}, [{10, 13}, {14}]),
        (None, [{12, 13}, {14}]),
    ],
)
def test_what_a_pair_view_remembers_of_the_same_events_is_left_out_by_its_age(
    last: dict[str, Any] | None, met: list[set[int]]
) -> None:
    rows = met_within(_schema(last), Frame(_LISTS, np.zeros(2, np.int64)), _KEYS, timedelta(days=14))
    assert [{10 + int(row) for row in line if row >= 0} for line in rows] == met
