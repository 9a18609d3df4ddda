"""Interactions are read in one order, however the store gives them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.dataset import stall
from tfrs_mtl.dataset.interactions import read_interactions


def _event(user: int, thing: int, paid: float) -> dict[str, object]:
    name = f"thing {thing}"
    return {"user": user, "thing": name, "at": 2.0, "bought": 1, "paid": paid, "shelf": "left"}


def test_rows_of_one_time_come_in_the_same_order_whatever_the_order_of_the_file(tmp_path: Path) -> None:
    events = [_event(user, thing, paid) for user in range(6) for thing in range(9) for paid in (1.0, 2.0)]
    found = []
    for seed in range(2):
        shuffled = [events[row] for row in np.random.default_rng(seed).permutation(len(events))]
        root = tmp_path / str(seed)
        root.mkdir()
        stall.write_repo(root, {"users": [], "things": [], "events": shuffled})
        shop = stall.open_stall(root)
        found.append(read_interactions(shop.repo, shop.schema))
    assert len(found[0]) == len(events)
    assert found[0].queries.equals(found[1].queries)
    assert found[0].items.equals(found[1].items)
    for name, labels in found[0].labels.items():
        np.testing.assert_array_equal(labels, found[1].labels[name])
