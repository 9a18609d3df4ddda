"""Weighted reciprocal ranks of several sources, beside a plain loop."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from numpy.typing import NDArray

from serving.sources.fusion import fused
from tests.e2e.built import Built
from tests.serving.loaded import busiest, keys, load
from tfrs_mtl.errors import SpecError

ITEMS = 40
WEIGHTS = {"towers": 1.0, "own": 2.5, "popular": 0.0}


def _named(seed: int) -> dict[str, NDArray[np.int32]]:
    rng = np.random.default_rng(seed)
    return {
        name: rng.integers(-1, ITEMS, (3, width)).astype(np.int32)  # with doubles and gaps
        for name, width in (("towers", 20), ("own", 15), ("popular", 8), ("similar", 5))
    }


def _expected(named: dict[str, NDArray[np.int32]], query: int) -> dict[int, float]:
    worth: dict[int, float] = defaultdict(float)
    for name, rows in named.items():
        for place, row in enumerate(dict.fromkeys(row for row in rows[query].tolist() if row >= 0), 1):
            worth[row] += WEIGHTS.get(name, 1.0) / (60 + place)
    return worth


@pytest.mark.parametrize("seed", range(5))
def test_the_best_by_weighted_reciprocal_rank_are_taken(seed: int) -> None:
    named = _named(seed)
    found = fused(named, WEIGHTS, most=12, items=ITEMS)
    assert found.shape == (3, 12)
    for query, rows in enumerate(found.tolist()):
        worth = _expected(named, query)
        assert len(set(rows)) == 12
        np.testing.assert_allclose([worth[row] for row in rows], sorted(worth.values(), reverse=True)[:12])


def test_where_less_is_named_than_may_be_ranked_all_is_taken_once() -> None:
    named = _named(7)
    found = fused(named, {}, most=1000, items=ITEMS)
    for query, rows in enumerate(found.tolist()):
        there = [row for row in rows if row >= 0]
        assert sorted(there) == sorted(_expected(named, query))
        assert rows == there + [-1] * (len(rows) - len(there))


def test_a_shop_ranks_so_many_and_what_weighs_more_is_among_them(built: Built) -> None:
    (query,) = busiest(built, 1)
    sources = {"towers": 40, "popular": 40, "ranked": 40, "weights": {"towers": 0.0}}
    heavy = load(built, deadline="60s", sources={**sources, "own": 0})
    popular = load(built, deadline="60s", sources={"towers": 0, "own": 0, "popular": 40})
    assert set(keys(heavy.recommend(query, k=40))) == set(keys(popular.recommend(query, k=40)))
    heavy.close(), popular.close()


def test_weights_of_nothing_are_refused(built: Built) -> None:
    with pytest.raises(SpecError, match=r"serving\.sources\.weights: .*`ranked`"):
        load(built, sources={"weights": {"own": 2.0}})
    with pytest.raises(SpecError, match=r"serving\.sources\.weights\.owm"):
        load(built, sources={"ranked": 10, "weights": {"owm": 2.0}})
