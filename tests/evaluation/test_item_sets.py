"""Sets of items as compressed sparse rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfrs_mtl.evaluation import ItemSets

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 8)), max_size=30)


def to_sets(pairs: list[tuple[int, int]], number: int = 5) -> ItemSets:
    array = np.array(pairs, dtype=np.int32).reshape(-1, 2)
    return ItemSets.from_pairs(array[:, 0], array[:, 1], number=number)


def to_python(sets: ItemSets) -> list[list[int]]:
    return [sets.codes[sets.indptr[q] : sets.indptr[q + 1]].tolist() for q in range(len(sets))]


@given(PAIRS)
def test_pairs_become_sorted_sets_without_repeats_and_without_no_item(pairs: list[tuple[int, int]]) -> None:
    expected = [sorted({i for q, i in pairs if q == query and i >= 0}) for query in range(5)]
    assert to_python(to_sets(pairs)) == expected
    assert to_sets(pairs).sizes().tolist() == [len(items) for items in expected]


@given(PAIRS)
def test_a_set_contains_its_items_and_no_others(pairs: list[tuple[int, int]]) -> None:
    sets = to_sets(pairs)
    found = sets.contains(np.arange(5)[:, None], np.arange(-1, 12)[None, :])
    expected = [[i in items for i in range(-1, 12)] for items in to_python(sets)]
    assert found.tolist() == expected


@given(PAIRS, PAIRS)
def test_the_union_holds_the_items_of_both(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    assert to_python(to_sets(first).union(to_sets(second))) == to_python(to_sets(first + second))


@pytest.mark.parametrize("query", [-1, 5])
def test_a_query_code_outside_the_range_is_refused_with_the_range(query: int) -> None:
    with pytest.raises(ValueError, match=r"\[0, 5\)"):
        to_sets([(query, 0)])
