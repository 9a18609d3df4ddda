"""A row brought up to date event by event equals the row that all the past would give at its time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.behaviour.past import EPOCH, Event, Names, value
from tfrs_mtl.behaviour.fresh import Happened, Row, counts, with_events
from tfrs_mtl.spec import BehaviourView

NAMES = Names("query", "item", "time")
BEGIN = datetime(2024, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)
DECLARED = BehaviourView.model_validate(
    {
        "of": "query",
        "features": {
            "met": {"measure": "last", "limit": 4},
            "met_ages": {"measure": "ages", "of": "met"},
            "bought": {"measure": "last", "limit": 3, "where": "paid", "window": "3d"},
            "bought_ages": {"measure": "ages", "of": "bought"},
            "since": {"measure": "recency"},
            "since_bought": {"measure": "recency", "where": "paid"},
            "often": {"measure": "count", "window": "2d"},
        },
    }
)
EXACT = [name for name in DECLARED.features if name != "often"]

# Whole minutes, each once: what is held is dated by ages of 32 bits.
minutes = st.lists(st.integers(0, 9 * 1440), unique=True, min_size=1, max_size=25)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    return [
        {
            "item": draw(st.sampled_from("abü")),
            "time": BEGIN + timedelta(minutes=minute),
            "paid": draw(st.sampled_from([True, False, None])),
        }
        for minute in draw(minutes)
    ]


def happened(event: Event) -> Happened:
    time = (event["time"] - EPOCH) // MICROSECOND  # type: ignore[operator]
    return Happened(event["item"], time, {"paid": event["paid"]})  # type: ignore[arg-type]


def past_row(events: list[Event], at: int) -> dict[str, Any]:
    """The reference's features at a time, floats rounded to the 32 bits that a view holds."""
    moment = EPOCH + at * MICROSECOND
    past = sorted((e for e in events if e["time"] < moment), key=lambda e: e["time"])  # type: ignore[operator]
    found = {n: value(m, past, past, moment, NAMES, "item", DECLARED) for n, m in DECLARED.features.items()}
    return {name: _rounded(each) for name, each in found.items()}


def _rounded(found: Any) -> Any:
    if isinstance(found, list):
        return [_rounded(each) for each in found]
    return float(np.float32(found)) if isinstance(found, float) else found


def _agree(row: Row, expected: dict[str, Any]) -> None:
    for name in EXACT:
        if expected[name] is None or name in ("met", "bought"):
            assert row.values[name] == expected[name], name
        else:
            assert row.values[name] == pytest.approx(expected[name], rel=1e-5, abs=1e-9), name


@settings(deadline=None)
@given(histories(), st.integers(0, 9 * 1440), st.randoms(use_true_random=False))
def test_a_row_with_events_is_the_row_of_all_the_past(events: list[Event], cut: int, random: Any) -> None:
    moment = (BEGIN + timedelta(minutes=cut) - EPOCH) // MICROSECOND
    before = [e for e in events if happened(e).time < moment]
    after = [e for e in events if happened(e).time >= moment]
    row = Row(moment, past_row(before, moment)) if before else None
    random.shuffle(after)  # late ones among them
    while after:
        size = random.randint(1, len(after))
        batch, after = after[:size], after[size:]
        found = with_events(DECLARED, row, [happened(e) for e in batch])
        if found is None:  # all of it older than what the lists have room for
            assert row is not None
            continue
        assert row is None or found.row.at > row.at
        row = Row(found.row.at, {name: _rounded(each) for name, each in found.row.values.items()})
    if row is not None:
        _agree(row, past_row(events, row.at))


@settings(deadline=None)
@given(histories())
def test_an_event_that_is_told_again_changes_nothing(events: list[Event]) -> None:
    found = with_events(DECLARED, None, [happened(e) for e in events])
    assert found is not None
    held = Row(found.row.at, {name: _rounded(each) for name, each in found.row.values.items()})
    inside = [e for e in events if e["time"] >= EPOCH + held.at * MICROSECOND - timedelta(days=3)]  # type: ignore[operator]
    newest = sorted(inside, key=lambda e: e["time"])[-3:]  # type: ignore[arg-type,return-value]
    assert with_events(DECLARED, held, [happened(e) for e in newest]) is None


def test_a_key_that_comes_twice_at_one_time_stands_twice() -> None:
    line = Happened("a", 5_000_000, {})
    found = with_events(DECLARED, None, [line, line])
    assert found is not None
    assert found.row.values["met"] == ["a", "a"]
    assert with_events(DECLARED, found.row, [line, line]) is None


def test_what_cannot_be_told_stays_and_is_null_once_it_has_expired() -> None:
    held = Row(4_000_000, {"met": ["b"], "met_ages": [1e-5], "often": 7})
    for expired, often in ((False, 7), (True, None)):
        found = with_events(DECLARED, held, [Happened("a", 5_000_000, {})], expired=expired)
        assert found is not None
        assert found.row.at == 6_000_000
        assert (found.row.values["met"], found.row.values.get("often")) == (["a", "b"], often)


def test_a_list_without_ages_takes_what_is_new_in_front_and_nothing_late() -> None:
    declared = BehaviourView.model_validate(
        {"of": "query", "features": {"met": {"measure": "last", "limit": 2}}}
    )
    held = Row(4_000_000, {"met": ["b", "c"]})
    new, late = Happened("a", 4_000_000, {}), Happened("z", 3_999_999, {})
    found = with_events(declared, held, [late, new])
    assert found is not None
    assert (found.row.values["met"], found.counted) == (["a", "b"], {1})
    assert with_events(declared, held, [late]) is None


def test_an_event_counts_where_its_column_is_true() -> None:
    declared = BehaviourView.model_validate(
        {"of": "query", "features": {"bought": {"measure": "last", "where": "paid"}}}
    )
    given = [{"paid": 1}, {"paid": True}, {"paid": 0}, {"paid": None}, {}]
    assert [counts(declared, Happened("a", 1, columns)) for columns in given] == [True, True] + [False] * 3
