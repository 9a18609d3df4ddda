"""Which positive pairs retrieval learns from."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.dataset import stall
from tfrs_mtl.dataset.retrieval_rows import RetrievalRows, retrieval_rows
from tfrs_mtl.dataset.shop import Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Open a stall where user u buys thing u ten times, and twenty things once."""
    root: Path = tmp_path_factory.mktemp("repeats")
    events = [_event(user, user, 1 + 5 * n) for user in range(8) for n in range(10)]
    events += [_event(user, 20 + thing, 2.5) for user in range(8) for thing in range(20)]
    later = [_event(0, 0, stall.VALIDATION + 1), _event(0, 1, stall.TEST + 1)]
    stall.write_repo(root, {"users": [], "things": [], "events": [*events, *later]})
    return stall.open_stall(root)


def _event(user: int, thing: int, day: float) -> dict[str, object]:
    name = f"thing {thing}"
    return {"user": user, "thing": name, "at": day, "bought": 1, "paid": 1.0, "shelf": "left"}


def _pairs(rows: RetrievalRows) -> set[tuple[int, int, int]]:
    return set(zip(rows.queries.tolist(), rows.items.tolist(), rows.times.tolist(), strict=True))


def test_without_repeats_each_pair_is_learnt_from_once_at_its_first_time(shop: Shop) -> None:
    every = _pairs(retrieval_rows(shop, shop.windows.train, seed=0))
    first: dict[tuple[int, int], int] = {}
    for query, item, time in sorted(every, key=lambda pair: pair[2]):
        first.setdefault((query, item), time)
    assert len(every) == 8 * 30
    kept = _pairs(retrieval_rows(shop, shop.windows.train, seed=0, repeats=0.0))
    assert kept == {(query, item, time) for (query, item), time in first.items()}


def test_a_share_of_the_repeats_is_drawn_with_the_seed(shop: Shop) -> None:
    drawn = [_pairs(retrieval_rows(shop, shop.windows.train, seed=s, repeats=0.5)) for s in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert 8 * 21 + 20 < len(drawn[0]) < 8 * 21 + 52  # of 72 repeats


def test_an_items_share_counts_the_rows_that_are_kept(shop: Shop) -> None:
    rows = retrieval_rows(shop, shop.windows.train, seed=0, repeats=0.0)
    assert rows.log_probability == pytest.approx(_log_shares(rows), abs=1e-6)


def _log_shares(rows: RetrievalRows) -> list[float]:
    items = rows.items.tolist()
    return [math.log(items.count(item) / len(items)) for item in items]
