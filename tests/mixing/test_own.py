"""A query's own past with an item: counts, ages and the rhythm."""

from __future__ import annotations

import numpy as np

from tfrs_mtl.mixing import own_past

NAN = np.float32(np.nan)


def events(*rows: tuple[int, int, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    queries, items, ages = zip(*rows, strict=True)
    return np.array(queries, np.int64), np.array(items, np.int64), np.array(ages, np.float32)


def test_a_rhythm_of_a_week_is_due_after_seven_days() -> None:
    past = own_past(*events((0, 3, 21.0), (0, 3, 7.0), (0, 3, 14.0), (1, 3, 2.0)), items=5)
    facts = np.expm1(past.of(np.array([0, 1, 1]), np.array([3, 3, 4])))
    np.testing.assert_allclose(facts[0], [3, 7, 21, 7, 1], rtol=1e-5)
    np.testing.assert_allclose(facts[1], [1, 2, 2, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(facts[2], 0)


def test_events_without_an_age_count_and_say_nothing_of_time() -> None:
    past = own_past(*events((0, 1, NAN), (0, 1, 4.0), (0, 2, NAN)), items=3)
    facts = np.expm1(past.of(np.array([0, 0]), np.array([1, 2])))
    np.testing.assert_allclose(facts, [[2, 4, 4, 0, 0], [1, 0, 0, 0, 0]], rtol=1e-5)


def test_an_empty_past_knows_nothing() -> None:
    none = np.empty(0, np.int64)
    past = own_past(none, none, np.empty(0, np.float32), items=3)
    assert not past.of(np.array([0]), np.array([1])).any()
