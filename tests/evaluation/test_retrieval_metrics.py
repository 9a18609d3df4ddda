"""Ranked lists against what was relevant."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfrs_mtl.evaluation import ItemSets, retrieval_metrics

ITEMS = 7
LIST = st.lists(st.integers(-1, ITEMS - 1), min_size=6, max_size=6)
QUERY = st.tuples(LIST, st.sets(st.integers(0, ITEMS - 1)))


def relevant_sets(sets: list[set[int]]) -> ItemSets:
    queries = np.array([q for q, items in enumerate(sets) for _ in items], dtype=np.int64)
    items = np.array([i for items in sets for i in items], dtype=np.int64)
    return ItemSets.from_pairs(queries, items, number=len(sets))


def naive(ranked: list[int], relevant: set[int], k: int) -> dict[str, float]:
    hits, seen = [], set()
    for rank, item in enumerate(ranked[:k], start=1):
        if item in relevant and item not in seen:
            hits.append(rank)
        seen.add(item)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))
    return {
        "recall": len(hits) / len(relevant),
        "ndcg": sum(1 / math.log2(rank + 1) for rank in hits) / ideal,
        "mrr": 1 / hits[0] if hits else 0.0,
        "hit_rate": float(bool(hits)),
    }


@settings(deadline=None)
@given(st.lists(QUERY, min_size=1, max_size=6), st.sampled_from([1, 2, 5, 6, 9]))
def test_every_query_has_the_metrics_of_a_loop_over_its_list(
    queries: list[tuple[list[int], set[int]]], k: int
) -> None:
    recommended = np.array([ranked for ranked, _ in queries])
    metrics = retrieval_metrics(recommended, relevant_sets([r for _, r in queries]), ks=[k], catalogue=ITEMS)
    expected = [naive(ranked, relevant, k) for ranked, relevant in queries if relevant]
    assert metrics.queries.tolist() == [q for q, (_, relevant) in enumerate(queries) if relevant]
    for name in ("recall", "ndcg", "mrr", "hit_rate"):
        np.testing.assert_allclose(metrics.per_query[f"{name}@{k}"], [e[name] for e in expected], rtol=1e-12)
        assert (
            (metrics.per_query[f"{name}@{k}"] >= 0) & (metrics.per_query[f"{name}@{k}"] <= 1 + 1e-12)
        ).all()
    covered = {item for ranked, _ in queries for item in ranked[:k]} - {-1}
    assert metrics.coverage == {f"coverage@{k}": len(covered) / ITEMS}


def test_a_planted_list_has_the_values_worked_out_by_hand() -> None:
    recommended = np.array([[3, 1, 2, -1], [0, 4, 5, 6], [6, 5, 4, 3]], dtype=np.int32)
    metrics = retrieval_metrics(recommended, relevant_sets([{1, 2}, {9}, set()]), ks=[1, 3], catalogue=10)
    assert metrics.left_out == 1
    assert metrics.per_query["recall@1"].tolist() == [0, 0]
    assert metrics.per_query["recall@3"].tolist() == [1, 0]
    assert metrics.per_query["mrr@3"].tolist() == [0.5, 0]
    means = metrics.means()
    assert means["hit_rate@3"] == 0.5
    assert means["ndcg@3"] == pytest.approx((1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3)) / 2)
    assert means["coverage@1"] == 0.3
    assert list(means)[:3] == ["recall@1", "recall@3", "ndcg@1"]


def test_a_perfect_list_scores_one_except_for_recall_where_more_is_relevant_than_k() -> None:
    metrics = retrieval_metrics(np.array([[4, 3, 2]]), relevant_sets([{0, 1, 2, 3, 4}]), ks=[3], catalogue=5)
    values = {name: round(value, 12) for name, value in metrics.means().items()}
    assert values == {"recall@3": 0.6, "ndcg@3": 1, "mrr@3": 1, "hit_rate@3": 1, "coverage@3": 0.6}


def test_a_relevant_item_given_twice_counts_once() -> None:
    twice = ItemSets(np.array([0, 3]), np.array([2, 2, 1]))
    metrics = retrieval_metrics(np.array([[2, 0]]), twice, ks=[2], catalogue=3)
    assert metrics.per_query["recall@2"].tolist() == [0.5]


def test_without_any_relevant_item_the_means_are_nan_and_coverage_stays() -> None:
    means = retrieval_metrics(np.array([[0, 1]]), relevant_sets([set()]), ks=[2], catalogue=4).means()
    assert math.isnan(means["recall@2"])
    assert means["coverage@2"] == 0.5


def test_lists_of_another_number_of_queries_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[2, width\]"):
        retrieval_metrics(np.zeros((3, 4), dtype=np.int64), relevant_sets([{1}, {2}]), ks=[1], catalogue=4)


@pytest.mark.parametrize(("ks", "catalogue"), [([0], 5), ([], 5), ([1], 0)])
def test_a_k_or_catalogue_below_one_is_refused(ks: list[int], catalogue: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        retrieval_metrics(np.zeros((1, 4), dtype=np.int64), relevant_sets([{1}]), ks=ks, catalogue=catalogue)
