"""Looking up parallel arrays against a plain dict."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfrs_mtl.dataset.lookup import code
from tfrs_mtl.dataset.pairs import PairKeys, take_at

_KEYS = {
    "int": (pa.int64(), st.sampled_from([0, -1, 2**53 + 1, 2**53 + 2, 2**62])),
    "string": (pa.string(), st.sampled_from(["", "a", "A", "ü", "7"])),
}


@st.composite
def _worlds(draw: st.DrawFn) -> tuple[pa.DataType, list[Any], list[Any], list[tuple[int, Any]], int]:
    """Key lists, value lists (null, shorter or longer now and then), what is wanted, rows to cut off."""
    kind, key = _KEYS[draw(st.sampled_from(sorted(_KEYS)))]
    keys = draw(st.lists(st.none() | st.lists(st.none() | key, max_size=5), min_size=1, max_size=6))
    value = st.none() | st.integers(-(2**40), 2**40)
    values = [
        draw(
            st.none()
            | st.lists(value, min_size=len(k or []), max_size=len(k or []))
            | st.lists(value, max_size=5)
        )
        for k in keys
    ]
    cut = draw(st.integers(0, len(keys) - 1))
    wanted = draw(st.lists(st.tuples(st.integers(0, len(keys) - 1 - cut), st.none() | key), max_size=10))
    return kind, keys, values, wanted, cut


def _naive(keys: list[Any] | None, values: list[Any] | None, wanted: Any) -> float:
    for key, value in zip(keys or [], values or [], strict=False):
        if key is not None and key == wanted:
            return math.nan if value is None else float(np.float32(value))
    return math.nan


def as_long(lists: pa.ListArray) -> pa.ListArray:
    """Return other lists of the same lengths."""
    return pa.array([None if v is None else [0] * len(v) for v in lists.to_pylist()], pa.list_(pa.int64()))


@given(_worlds())
def test_the_look_up_is_a_dicts_whatever_is_null_empty_sliced_or_of_unequal_length(world: Any) -> None:
    kind, keys, values, wanted, cut = world
    key_lists = pa.array(keys, pa.list_(kind)).slice(cut)
    value_lists = pa.array(values, pa.list_(pa.int64())).slice(cut)
    lists = {"keys' length": as_long(key_lists), "value": value_lists, "again": value_lists}
    queries = np.array([row for row, _ in wanted], np.int64)
    codes = code(pa.array([key for _, key in wanted], kind))
    places = PairKeys(key_lists, codes.lookup).find(queries, codes.of_rows)
    found = take_at(lists, queries, places)
    expected = [_naive(keys[cut + row], values[cut + row], key) for row, key in wanted]
    for name in ("value", "again"):
        np.testing.assert_array_equal(found[name], np.array(expected, np.float32))


@pytest.mark.parametrize("lists", [[None], [[]], [[None]]])
def test_nothing_is_found_where_no_query_has_a_key(lists: list[Any]) -> None:
    keys = pa.array(lists, pa.list_(pa.string()))
    codes = code(pa.array(["a"]))
    assert PairKeys(keys, codes.lookup).find(np.zeros(1, np.int64), codes.of_rows).tolist() == [-1]
