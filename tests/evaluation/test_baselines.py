"""Popularity and own history."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfrs_mtl.evaluation import ItemSets, own_history, popularity

QUERIES = 3
EVENT = st.tuples(st.integers(0, QUERIES - 1), st.integers(-1, 6), st.integers(0, 5))
EVENTS = st.lists(EVENT, max_size=40)
PAIRS = st.lists(st.tuples(st.integers(0, QUERIES - 1), st.integers(0, 6)), max_size=10)


def columns(events: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    array = np.array(events, dtype=np.int64).reshape(-1, 3)
    return array[:, 0], array[:, 1], array[:, 2]


def to_sets(pairs: list[tuple[int, int]]) -> ItemSets:
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return ItemSets.from_pairs(array[:, 0], array[:, 1], number=QUERIES)


def padded(items: list[int], k: int) -> list[int]:
    return items[:k] + [-1] * (k - len(items[:k]))


def naive_popular(events: list[tuple[int, int, int]]) -> list[int]:
    counts = Counter(item for _, item, _ in events if item >= 0)
    return sorted(counts, key=lambda item: (-counts[item], item))


def naive_own(events: list[tuple[int, int, int]], query: int) -> list[int]:
    own = [(item, age) for q, item, age in events if q == query and item >= 0]
    counts = Counter(item for item, _ in own)
    youngest = {item: min(age for i, age in own if i == item) for item in counts}
    return sorted(counts, key=lambda item: (-counts[item], youngest[item], item))


@settings(deadline=None)
@given(EVENTS, PAIRS, st.integers(1, 9))
def test_popularity_is_a_count_of_events_less_what_each_query_excludes(
    events: list[tuple[int, int, int]], excluded: list[tuple[int, int]], k: int
) -> None:
    _, items, _ = columns(events)
    everyone = popularity(items, queries=QUERIES, k=k)
    assert everyone.tolist() == [padded(naive_popular(events), k)] * QUERIES
    unseen = popularity(items, queries=QUERIES, k=k, excluded=to_sets(excluded))
    for query in range(QUERIES):
        expected = [i for i in naive_popular(events) if (query, i) not in excluded]
        assert unseen[query].tolist() == padded(expected, k)


@settings(deadline=None)
@given(EVENTS, PAIRS, st.integers(1, 9))
def test_own_history_comes_first_and_popular_items_fill_the_list_up(
    events: list[tuple[int, int, int]], excluded: list[tuple[int, int]], k: int
) -> None:
    found = own_history(*columns(events), queries=QUERIES, k=k, excluded=to_sets(excluded))
    for query in range(QUERIES):
        own = [i for i in naive_own(events, query) if (query, i) not in excluded]
        rest = [i for i in naive_popular(events) if i not in own and (query, i) not in excluded]
        assert found[query].tolist() == padded(own + rest, k)


def test_a_planted_history_is_ordered_by_frequency_then_recency() -> None:
    queries, items, ages = columns(
        [(0, 5, 9), (0, 5, 8), (0, 2, 7), (0, 3, 1), (1, 4, 1), (1, 4, 2), (1, 4, 3)]
    )
    found = own_history(queries, items, ages, queries=3, k=4)
    assert found.tolist() == [[5, 3, 2, 4], [4, 5, 2, 3], [4, 5, 2, 3]]


def test_with_a_half_life_a_recent_item_passes_an_older_one_that_was_more_frequent() -> None:
    items, ages = np.array([1, 1, 1, 2, 2]), np.array([60.0, 70.0, 80.0, 1.0, 2.0])
    assert popularity(items, queries=1, k=2).tolist() == [[1, 2]]
    assert popularity(items, queries=1, k=2, ages=ages, half_life=14).tolist() == [[2, 1]]


def test_a_weight_that_vanishes_with_age_keeps_its_item_in_the_list() -> None:
    found = popularity(np.array([1, 0]), queries=1, k=2, ages=np.array([1e9, 0.0]), half_life=1)
    assert found.tolist() == [[0, 1]]


@pytest.mark.parametrize(("ages", "half_life"), [(None, 7.0), (np.ones(1), 0.0)])
def test_a_half_life_without_ages_or_not_above_zero_is_refused(
    ages: np.ndarray | None, half_life: float
) -> None:
    with pytest.raises(ValueError, match="half_life"):
        popularity(np.array([1]), queries=1, k=1, ages=ages, half_life=half_life)
