"""Training knows an id no earlier than whoever is asked later would."""

from __future__ import annotations

import numpy as np
import pytest

from tfrs_mtl.dataset.examples import NULL, UNKNOWN, Block, Examples
from tfrs_mtl.dataset.frames import ITEM_ID, QUERY_ID
from tfrs_mtl.dataset.negatives import Past
from tfrs_mtl.dataset.ranking_rows import RankingRows
from tfrs_mtl.dataset.unmet import hide_unmet

# Query 0 meets item 0 at 10 and item 1 at 20; query 1 meets item 1 at 30; item 2 is met by nobody.
PAST = Past(
    np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([10, 20, 30]), known_since=np.zeros(3, np.int64)
)


def rows(queries: list[int], items: list[int], times: list[int]) -> RankingRows:
    return RankingRows(*(np.array(v, np.int64) for v in (queries, items, times)), labels={}, context={})


def hidden(found: RankingRows, *, lag: int = 0, shared: bool = False) -> tuple[list[int], list[int]]:
    ids = {QUERY_ID: found.queries + 2, ITEM_ID: found.items + 2}
    blocks = []
    for name, values in ids.items():
        distinct, own = np.unique(np.stack([values, found.times]), axis=1, return_inverse=True)
        arrays = {name: (distinct[0] if shared else values).astype(np.int32)}
        blocks.append(Block({**arrays, f"{name}x": np.arange(99)}, own.ravel() if shared else None))
    examples = hide_unmet(Examples(tuple(blocks), len(found)), found, PAST, lag=lag)
    together = examples.gather(0, len(found))
    assert together[ITEM_ID].dtype == np.int32
    return together[QUERY_ID].tolist(), together[ITEM_ID].tolist()


@pytest.mark.parametrize("shared", [False, True])
def test_an_id_is_unknown_until_it_was_met_before(shared: bool) -> None:
    """At the very time of the first meeting too: that is the row itself."""
    found = rows([0, 0, 0, 1, 1], [0, 0, 1, 1, 2], [10, 11, 20, 30, 31])
    queries, items = hidden(found, shared=shared)
    assert queries == [UNKNOWN, 2, 2, UNKNOWN, 3]
    assert items == [UNKNOWN, 2, UNKNOWN, 3, UNKNOWN]


def test_a_positive_tells_no_more_of_its_item_than_a_negative_beside_it() -> None:
    """Planted: items that are met once only; the known id alone would tell who is met."""
    random = np.random.default_rng(0)
    items, times = np.arange(50), np.sort(random.integers(0, 1000, 50))
    past = Past(np.zeros(50, np.int64), items, times, np.zeros(100, np.int64))
    beside = rows([0] * 100, [*items, *(items + 50)], [*times, *times])
    ids = Examples((Block({ITEM_ID: np.where(beside.items < 50, beside.items + 2, UNKNOWN)}),), 100)
    assert (hide_unmet(ids, beside, past, lag=0).gather(0, 100)[ITEM_ID] == UNKNOWN).all()


def test_an_id_becomes_known_a_lag_after_it_was_met() -> None:
    found = rows([0] * 4, [0] * 4, [14, 15, 16, 40])
    assert hidden(found, lag=5)[1] == [UNKNOWN, UNKNOWN, 2, 2]


def test_what_else_is_known_of_a_row_stays() -> None:
    found = rows([1], [2], [5])
    block = Block({ITEM_ID: np.array([NULL]), "item#dense": np.ones((1, 2)), QUERY_ID: np.array([9])})
    examples = hide_unmet(Examples((block,), 1, {"buy": np.ones(1, np.float32)}), found, PAST, lag=0)
    np.testing.assert_array_equal(examples.blocks[0].arrays["item#dense"], np.ones((1, 2)))
    assert list(examples.labels) == ["buy"]
