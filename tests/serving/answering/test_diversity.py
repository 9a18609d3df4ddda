"""Choosing items one by one: by definition, within caps, around what is fixed."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from serving.answering.diversity import Cap, choose, unit

NOBODY = -np.ones((1, 5), np.int64)


def ranks(count: int, queries: int = 1) -> NDArray[np.int64]:
    return np.tile(np.arange(count), (queries, 1))


def by_definition(vectors: NDArray[np.float32], k: int, mmr: float, pool: int) -> list[int]:
    """Maximal marginal relevance as the paper writes it, one candidate at a time."""
    chosen: list[int] = []
    left = list(range(pool))
    while left and len(chosen) < k:
        worth = {
            i: (1 - mmr) * (1 - i / (pool - 1))
            - mmr * max((float(vectors[i] @ vectors[j]) for j in chosen), default=0)
            for i in left
        }
        best = max(left, key=lambda i: worth[i])
        chosen.append(best)
        left.remove(best)
    return chosen


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), mmr=st.floats(0.01, 1), count=st.integers(2, 30), queries=st.integers(1, 3)
)
def test_maximal_marginal_relevance_is_what_its_definition_says(
    seed: int, mmr: float, count: int, queries: int
) -> None:
    rng = np.random.default_rng(seed)
    vectors = unit(rng.standard_normal((queries, count, 4)).astype(np.float32))
    fixed = np.full((queries, 5), -1, np.int64)
    chosen = choose(ranks(count, queries), 5, fixed=fixed, pool=count, mmr=mmr, vectors=vectors)
    for query in range(queries):
        expected = by_definition(vectors[query], 5, mmr, count)
        assert [place for place in chosen.places[query].tolist() if place >= 0] == expected


def test_of_two_alike_the_second_makes_room_for_what_is_unlike() -> None:
    vectors = unit(np.array([[[1, 0], [0.99, 0.01], [0, 1]]], np.float32))
    alike = choose(ranks(3), 2, fixed=NOBODY, pool=3, mmr=0.0, vectors=vectors)
    unlike = choose(ranks(3), 2, fixed=NOBODY, pool=3, mmr=0.5, vectors=vectors)
    assert alike.places.tolist() == [[0, 1]]
    assert unlike.places.tolist() == [[0, 2]]


def test_a_cap_holds_as_long_as_there_is_anything_else_and_then_k_is_filled() -> None:
    values = np.array([[7, 7, 7, 8, -1, -1, -1]])
    within = choose(ranks(7), 5, fixed=NOBODY, caps=[Cap(values, 1)])
    assert within.places.tolist() == [[0, 3, 4, 5, 6]]  # what has no value is counted by no cap
    assert not within.over.any()
    beyond = choose(ranks(4), 5, fixed=NOBODY, caps=[Cap(values[:, :4], 1)])
    assert beyond.places.tolist() == [[0, 3, 1, 2, -1]]
    assert beyond.over.all()


def test_what_is_fixed_stands_where_it_should_and_counts_for_the_caps() -> None:
    fixed = np.array([[-1, 6, -1, -1, -1]])
    values = np.array([[5, 1, 5, 2, 3, 4, 5]])
    chosen = choose(ranks(7), 5, fixed=fixed, caps=[Cap(values, 1)])
    assert chosen.places.tolist() == [[1, 6, 3, 4, 5]]


def test_what_is_fixed_behind_the_last_candidate_moves_up() -> None:
    fixed = np.array([[-1, -1, -1, -1, 1]])
    assert choose(ranks(3), 5, fixed=fixed).places.tolist() == [[0, 2, 1, -1, -1]]


def test_what_only_comes_where_it_is_fixed_comes_nowhere_else() -> None:
    only = np.array([[0, -1, 1]])
    assert choose(only, 5, fixed=NOBODY).places.tolist() == [[0, 2, -1, -1, -1]]
    assert choose(only, 5, fixed=np.array([[1, -1, -1, -1, -1]])).places.tolist() == [[1, 0, 2, -1, -1]]
