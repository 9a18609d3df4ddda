"""Labels of ranking rows: what is known by the window's end, under which condition, and of negatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfrs_mtl.dataset.ranking_rows import known_labels
from tfrs_mtl.spec import Task

_DAY = 86_400_000_000
NAN = float("nan")


def _task(name: str, **more: Any) -> Task:
    return Task(name=name, **{"kind": "binary", "label": name, **more})


def _labels(
    tasks: list[Task], found: dict[str, list[float]], *, drawn: int = 0, days: list[int] | None = None
) -> Any:
    """Return labels of the found rows, followed by negatives of the first of them; known by day 10."""
    size = len(next(iter(found.values())))
    source = np.concatenate([np.arange(size), np.zeros(drawn, np.int64)])
    is_drawn = np.arange(size + drawn) >= size
    times = np.array(days or [0] * size, np.int64)[source] * _DAY
    columns = {name: np.array(values, np.float32) for name, values in found.items()}
    labels = known_labels(tuple(tasks), columns, source, is_drawn, times=times, known_by=10 * _DAY)
    assert all(label.dtype == np.float32 for label in labels.values())
    return {name: label.tolist() for name, label in labels.items()}


def _same(found: dict[str, list[float]], expected: dict[str, list[float]]) -> None:
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_a_delayed_label_is_left_out_until_its_delay_has_ended() -> None:
    tasks = [_task("buy"), _task("keep", delay="3d")]
    found = _labels(tasks, {"buy": [1, 1, 1], "keep": [1, 0, 1]}, days=[6, 7, 8])
    _same(found, {"buy": [1, 1, 1], "keep": [1, 0, NAN]})


def test_a_condition_counts_through_its_whole_chain_in_any_order_of_tasks() -> None:
    tasks = [
        _task("spend", kind="regression", when="order"),
        _task("order", when="cart"),
        _task("cart", when="click"),
        _task("click"),
    ]
    found = {
        "click": [1, 1, 1, 0, NAN],
        "cart": [1, 1, 0, 1, 1],
        "order": [1, 0, 1, 1, 1],
        "spend": [9.5, 1, 2, 3, 4],
    }
    _same(
        _labels(tasks, found),
        {
            "click": [1, 1, 1, 0, NAN],
            "cart": [1, 1, 0, NAN, NAN],
            "order": [1, 0, NAN, NAN, NAN],
            "spend": [9.5, NAN, NAN, NAN, NAN],
        },
    )


def test_what_hangs_on_a_label_not_yet_known_is_not_known_either() -> None:
    tasks = [_task("keep", delay="3d"), _task("praise", when="keep")]
    _same(
        _labels(tasks, {"keep": [1, 1], "praise": [1, 1]}, days=[1, 9]),
        {"keep": [1, NAN], "praise": [1, NAN]},
    )


def test_a_negative_is_zero_where_nothing_must_come_true_first() -> None:
    tasks = [_task("buy"), _task("keep", when="buy"), _task("spend", kind="regression")]
    found = _labels(tasks, {"buy": [1], "keep": [1], "spend": [2.5]}, drawn=2)
    _same(found, {"buy": [1, 0, 0], "keep": [1, NAN, NAN], "spend": [2.5, NAN, NAN]})


def test_a_negative_of_a_delayed_task_waits_as_its_positive_does() -> None:
    found = _labels([_task("keep", delay="3d")], {"keep": [1, 1]}, drawn=1, days=[9, 1])
    _same(found, {"keep": [NAN, 1, NAN]})


@pytest.mark.parametrize(("raw", "label"), [(2.0, 1.0), (-1.0, 0.0), (0.0, 0.0), (NAN, NAN)])
def test_a_binary_label_is_whether_the_number_is_above_zero(raw: float, label: float) -> None:
    _same(_labels([_task("buy")], {"buy": [raw]}), {"buy": [label]})
