"""The first k items, less the excluded ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tfrs_mtl.evaluation import ItemSets, masked_top_k
from tfrs_mtl.evaluation.top_k import first_allowed

QUERIES, ITEMS = 4, 6
SCORES = arrays.arrays(
    np.float32, (QUERIES, ITEMS), elements=st.sampled_from([-np.inf, np.nan, -1.5, 0.0, 0.5, 1.0])
)
EXCLUDED = st.lists(st.tuples(st.integers(0, QUERIES - 1), st.integers(0, ITEMS + 2)), max_size=20)


def to_sets(pairs: list[tuple[int, int]]) -> ItemSets:
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return ItemSets.from_pairs(array[:, 0], array[:, 1], number=QUERIES)


@settings(deadline=None)
@given(SCORES, EXCLUDED, st.integers(1, ITEMS + 2))
def test_the_list_is_that_of_a_sort_by_score_then_code(
    scores: np.ndarray, excluded: list[tuple[int, int]], k: int
) -> None:
    before = scores.copy()
    found = masked_top_k(scores, k, excluded=to_sets(excluded))
    for query in range(QUERIES):
        usable = [i for i in range(ITEMS) if scores[query, i] > -np.inf and (query, i) not in excluded]
        expected = sorted(usable, key=lambda i: (-scores[query, i], i))[:k]
        assert found[query].tolist() == expected + [-1] * (k - len(expected))
    np.testing.assert_array_equal(scores, before)


@settings(deadline=None)
@given(st.permutations(range(ITEMS)), EXCLUDED, st.integers(1, ITEMS + 2), st.integers(0, ITEMS))
def test_one_shared_order_gives_each_query_its_first_items_that_are_not_excluded(
    order: list[int], excluded: list[tuple[int, int]], k: int, length: int
) -> None:
    order = order[:length]
    found = first_allowed(np.array(order, dtype=np.int64), k, excluded=to_sets(excluded))
    for query in range(QUERIES):
        expected = [i for i in order if (query, i) not in excluded][:k]
        assert found[query].tolist() == expected + [-1] * (k - len(expected))


def test_many_queries_worked_on_in_blocks_get_the_lists_of_each_query_alone() -> None:
    random = np.random.default_rng(0)
    queries, items = 3000, 4000  # some million cells: more than one block
    seen = [random.choice(items, size) for size in np.append(random.integers(0, 9, queries - 1), items - 1)]
    owners = np.repeat(np.arange(queries), [len(codes) for codes in seen])
    order = random.permutation(items)
    together = first_allowed(
        order, 5, excluded=ItemSets.from_pairs(owners, np.concatenate(seen), number=queries)
    )
    for query in [*range(0, queries, 500), queries - 1]:
        alone = ItemSets.from_pairs(np.zeros_like(seen[query]), seen[query], number=1)
        np.testing.assert_array_equal(together[query], first_allowed(order, 5, excluded=alone)[0])


def test_an_empty_catalogue_gives_lists_of_no_item() -> None:
    assert masked_top_k(np.zeros((2, 0)), 3).tolist() == [[-1] * 3] * 2


def test_whole_numbers_are_scores_too() -> None:
    assert masked_top_k(np.array([[1, 3, 2]]), 2).tolist() == [[1, 2]]
