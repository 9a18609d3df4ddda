"""Sampled negatives: from the past alone, never met in the same window, in the promised proportions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tfrs_mtl.dataset.negatives import Past, Sampled, sample_negatives
from tfrs_mtl.spec import Negatives

Ints = NDArray[np.int64]
_DAY = 86_400_000_000
_WINDOW = 28


def _past(rows: list[tuple[int, int, int]], known_since: list[int]) -> Past:
    """Make a past of (query, item, day)."""
    ordered = sorted(rows, key=lambda row: row[2])
    queries, items, days = (
        np.array(c, np.int64) for c in (zip(*ordered, strict=True) if ordered else ([], [], []))
    )
    return Past(queries, items, days * _DAY, np.array(known_since, np.int64) * _DAY)


def _sample(
    past: Past,
    asked: list[tuple[int, int]],
    negatives: Negatives,
    *,
    bounds: tuple[int, ...] = (),
    seed: int = 0,
) -> Sampled:
    """Sample for (query, day) rows."""
    return sample_negatives(
        past,
        queries=np.array([q for q, _ in asked], np.int64),
        times=np.array([d for _, d in asked], np.int64) * _DAY,
        negatives=negatives,
        bounds=tuple(b * _DAY for b in bounds),
        seed=seed,
    )


def _window(day: int, bounds: tuple[int, ...]) -> tuple[int, int]:
    return day // _WINDOW, sum(b <= day for b in bounds)


_EVENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 90)), max_size=40)
_NEGATIVES = st.builds(
    Negatives,
    popular=st.integers(1, 3),
    uniform=st.integers(0, 3),
    own=st.integers(0, 3),
    window=st.just("28d"),
)


@given(
    events=_EVENTS,
    since=st.lists(st.integers(-5, 60), min_size=6, max_size=6),
    asked=st.lists(st.tuples(st.integers(0, 3), st.integers(-10, 120)), max_size=8),
    negatives=_NEGATIVES,
    bounds=st.sampled_from([(), (40,), (40, 60)]),
    seed=st.integers(0, 3),
)
def test_none_is_of_the_future_or_met_in_the_same_window(
    events: list[tuple[int, int, int]],
    since: list[int],
    asked: list[tuple[int, int]],
    negatives: Negatives,
    bounds: tuple[int, ...],
    seed: int,
) -> None:
    since = sorted(since)
    events = [(q, i, max(day, since[i])) for q, i, day in events]
    past = _past(events, since)
    found = _sample(past, asked, negatives, bounds=bounds, seed=seed)
    most = negatives.popular + negatives.uniform + negatives.own
    assert np.bincount(found.rows, minlength=len(asked)).max(initial=0) <= most
    assert (np.diff(found.rows) >= 0).all()
    for row, item in zip(found.rows.tolist(), found.items.tolist(), strict=True):
        query, day = asked[row]
        assert since[item] <= day
        met = {(q, i, _window(d, bounds)) for q, i, d in events}
        assert (query, item, _window(day, bounds)) not in met
    again = _sample(past, asked, negatives, bounds=bounds, seed=seed)
    np.testing.assert_array_equal(again.items, found.items)


@given(events=_EVENTS, asked=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 95)), max_size=8))
def test_own_negatives_are_what_the_query_met_in_earlier_windows(
    events: list[tuple[int, int, int]], asked: list[tuple[int, int]]
) -> None:
    found = _sample(_past(events, [-10] * 6), asked, Negatives(popular=0, uniform=0, own=2))
    for row, item in zip(found.rows.tolist(), found.items.tolist(), strict=True):
        query, day = asked[row]
        assert any(q == query and i == item and d < day for q, i, d in events)


def test_the_seed_alone_decides() -> None:
    past = _past([(0, item, item) for item in range(6)], [-1] * 6)
    draws = [
        _sample(past, [(1, 80)] * 50, Negatives(popular=2), seed=seed).items.tolist() for seed in (1, 1, 2)
    ]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_popular_negatives_come_in_proportion_to_popularity_so_far() -> None:
    counts = [50, 30, 15, 5]
    events = [(n % 7, item, n % 30) for item, count in enumerate(counts) for n in range(count)]
    # From day 31 on, another item is bought more than all of them: that is the future.
    events += [(n % 7, 4, 40) for n in range(500)]
    found = _sample(_past(events, [-1] * 5), [(99, 31)] * 4000, Negatives(popular=1, uniform=0))
    shares = np.bincount(found.items, minlength=5) / len(found.items)
    np.testing.assert_allclose(shares, [0.5, 0.3, 0.15, 0.05, 0.0], atol=0.03)
    assert shares[4] == 0


def test_uniform_negatives_are_any_item_known_by_then_alike() -> None:
    past = _past([(0, 0, 1)] * 100, [0, 0, 5, 10, 11])
    found = _sample(past, [(99, 10)] * 4000, Negatives(popular=0, uniform=1))
    shares = np.bincount(found.items, minlength=5) / len(found.items)
    np.testing.assert_allclose(shares, [0.25, 0.25, 0.25, 0.25, 0], atol=0.03)
    assert shares[4] == 0


def test_a_query_that_met_everything_gets_fewer() -> None:
    past = _past([(0, item, 30) for item in range(5)], [0] * 5)
    found = _sample(past, [(0, 35), (1, 35)], Negatives(popular=3, uniform=2))
    assert np.bincount(found.rows, minlength=2).tolist() == [0, 5]


def test_the_next_window_and_the_splits_border_let_a_pair_be_a_negative_again() -> None:
    past = _past([(0, 0, 30)], [0])
    uniform = Negatives(popular=0, uniform=1)
    assert len(_sample(past, [(0, 31)], uniform).items) == 0
    assert len(_sample(past, [(0, 56)], uniform).items) == 1
    assert len(_sample(past, [(0, 31)], uniform, bounds=(31,)).items) == 1


def test_a_future_meeting_in_the_same_window_keeps_a_pair_from_being_a_negative() -> None:
    past = _past([(0, 0, 50)], [0])
    assert len(_sample(past, [(0, 30)], Negatives(popular=0, uniform=1)).items) == 0


@pytest.mark.parametrize("negatives", [Negatives(popular=2, uniform=2, own=2), Negatives(popular=0, own=1)])
def test_an_empty_past_gives_no_negatives(negatives: Negatives) -> None:
    assert len(_sample(_past([], []), [(0, 5)], negatives).items) == 0
    assert len(_sample(_past([(0, 0, 9)], [9]), [(0, 5)], negatives).items) == 0
    assert len(_sample(_past([(0, 0, 9)], [9]), [], negatives).items) == 0
