"""Item to item: EASE's weights, and what happens at the borders."""

from __future__ import annotations

import numpy as np

from tfrs_mtl.mixing import item_to_item


def test_the_weights_are_those_of_the_closed_form() -> None:
    rng = np.random.default_rng(0)
    queries, items = rng.integers(0, 30, 200), rng.integers(0, 12, 200)
    x = np.zeros((30, 12))
    x[queries, items] = 1
    inverse = np.linalg.inv(x.T @ x + 20 * x.sum(axis=0).mean() * np.eye(12))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(item_to_item(queries, items, number=12).toarray(), expected, atol=1e-5)


def test_what_is_met_together_scores_above_what_is_merely_popular() -> None:
    # Items 0 and 1 are always met together, by few; item 2 is met by everybody.
    queries = np.concatenate([np.arange(5), np.arange(5), np.arange(60)])
    items = np.concatenate([np.zeros(5), np.ones(5), np.full(60, 2)]).astype(np.int64)
    weights = item_to_item(queries, items, number=4).toarray()
    assert weights[0, 1] > weights[0, 2]
    assert not weights[3].any()
    assert not weights.diagonal().any()


def test_beyond_the_most_frequent_items_there_are_no_weights() -> None:
    queries = np.array([0, 1, 2, 0, 1, 2, 0])
    items = np.array([0, 0, 0, 1, 1, 1, 2])
    weights = item_to_item(queries, items, number=3, most=2).toarray()
    assert weights[0, 1] > 0
    assert not weights[2].any()
    assert not weights[:, 2].any()


def test_no_interaction_gives_no_weight() -> None:
    none = np.empty(0, np.int64)
    assert item_to_item(none, none, number=5).nnz == 0
