"""Batches hold every row once, with its own columns, in an order that seed and epoch settle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfrs_mtl.dataset.batches import batches, label_of
from tfrs_mtl.dataset.examples import Block, Examples

USERS = {"age": np.array([[1.0], [2.0], [3.0]], np.float32)}
ROWS = np.array([2, 0, 0, 1, 2, 1, 0], np.int32)
PAIRS = {"id": np.arange(7, dtype=np.int32), "code": 2**60 + np.arange(7, dtype=np.int64)}
EXAMPLES = Examples(
    blocks=(Block(USERS, ROWS), Block(PAIRS)),
    size=7,
    labels={"click": np.array([0, 1, np.nan, 1, 0, 1, 1], np.float32)},
)


def _all(**options: Any) -> list[dict[str, np.ndarray]]:
    return list(batches(EXAMPLES, 3, **options).as_numpy_iterator())


def _column(name: str, **options: Any) -> list[Any]:
    return np.concatenate([batch[name] for batch in _all(**options)]).tolist()


def test_without_a_seed_the_rows_come_in_order_with_their_own_columns() -> None:
    found = _all()
    assert [len(batch["id"]) for batch in found] == [3, 3, 1]
    assert _column("id") == list(range(7))
    assert _column("code") == PAIRS["code"].tolist()
    np.testing.assert_array_equal(np.concatenate([b["age"] for b in found]), USERS["age"][ROWS])
    np.testing.assert_array_equal(_column(label_of("click")), EXAMPLES.labels["click"])


def test_shuffled_rows_keep_their_columns_and_labels() -> None:
    order = np.array(_column("id", shuffle_seed=1))
    assert sorted(order) == list(range(7))
    ages = np.concatenate([batch["age"] for batch in _all(shuffle_seed=1)])
    np.testing.assert_array_equal(ages, USERS["age"][ROWS[order]])
    np.testing.assert_array_equal(_column(label_of("click"), shuffle_seed=1), EXAMPLES.labels["click"][order])


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    orders = {(s, e): tuple(_column("id", shuffle_seed=s, epoch=e)) for s in (0, 1) for e in (0, 1)}
    assert len(set(orders.values())) == 4
    assert orders[1, 1] == tuple(_column("id", shuffle_seed=1, epoch=1))


def test_the_remainder_is_dropped_on_demand() -> None:
    assert len(_column("id", drop_remainder=True)) == 6


@pytest.mark.parametrize("size", [1, 7, 100])
def test_any_batch_size_gives_every_row_once(size: int) -> None:
    rows = np.concatenate([b["id"] for b in batches(EXAMPLES, size, shuffle_seed=3).as_numpy_iterator()])
    assert sorted(rows) == list(range(7))


def test_no_examples_are_no_batches() -> None:
    empty = Examples(blocks=(Block({"id": np.zeros(0, np.int32)}),), size=0)
    assert list(batches(empty, 4, shuffle_seed=0)) == []


def test_rows_with_times_meet_their_neighbours_in_time_and_every_row_comes_once() -> None:
    size, times = 1_000, np.random.default_rng(0).permutation(1_000) * 86_400_000_000
    examples = Examples(blocks=(Block({"row": np.arange(size, dtype=np.int32)}),), size=size, times=times)
    found = [b["row"] for b in batches(examples, 30, shuffle_seed=1).as_numpy_iterator()]
    assert sorted(np.concatenate(found)) == list(range(size))
    spans = [np.ptp(times[rows]) for rows in found[:-1]]
    assert max(spans) < 0.2 * np.ptp(times)
    starts = [times[rows].min() for rows in found[:-1]]
    assert starts != sorted(starts)
