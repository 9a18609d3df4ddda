"""Every encoder: fitted once, the same after JSON, the same for a batch and for one row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tfrs_mtl.dataset.encoders import (
    ENCODERS,
    BagEncoder,
    CategoryEncoder,
    HistoryEncoder,
    NumberEncoder,
    VectorEncoder,
    fit_history,
)
from tfrs_mtl.dataset.encoders import vocabulary as vocabulary_module
from tfrs_mtl.dataset.encoders.category import words
from tfrs_mtl.dataset.encoders.vocabulary import Vocabulary, fit_vocabulary
from tfrs_mtl.dataset.examples import ages_of
from tfrs_mtl.schema import DType, Feature
from tfrs_mtl.spec import Input, Kind
from tfrs_mtl.store import MOMENT, arrow_type

_DAY = 86_400_000_000
_INTS = st.sampled_from([0, -1, 5, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)])
_STRINGS = st.sampled_from(["", "a", "A", "ß ü", "a b, c", "\x00", "x" * 300, "日本語"])
_FLOATS = st.floats(width=32)
_CASES: dict[str, tuple[Kind, DType, st.SearchStrategy[Any], Input]] = {
    "int category": ("category", DType("int", False, "Int64"), _INTS, Input()),
    "string category": ("category", DType("string", False, "String"), _STRINGS, Input()),
    "bool category": ("category", DType("bool", False, "Bool"), st.booleans(), Input()),
    "hashed int": ("category", DType("int", False, "Int64"), _INTS, Input(hash_bins=3)),
    "hashed string": ("category", DType("string", False, "String"), _STRINGS, Input(hash_bins=3)),
    "cut category": ("category", DType("string", False, "String"), _STRINGS, Input(vocabulary=2)),
    "whole number": ("number", DType("int", False, "Int64"), _INTS, Input()),
    "number": ("number", DType("float", False, "Float64"), st.floats(), Input()),
    "bucketed number": ("number", DType("float", False, "Float32"), _FLOATS, Input(buckets=4)),
    "boolean": ("boolean", DType("bool", False, "Bool"), st.booleans(), Input()),
    "whole boolean": ("boolean", DType("int", False, "Int64"), st.sampled_from([0, 1]), Input()),
    "timestamp": (
        "timestamp",
        DType("timestamp", False, "UnixTimestamp"),
        st.integers(-(10**15), 10**16),
        Input(),
    ),
    "int categories": ("categories", DType("int", True, "Array(Int64)"), _INTS, Input(length=2)),
    "string categories": ("categories", DType("string", True, "Array(String)"), _STRINGS, Input()),
    "text": ("text", DType("string", False, "String"), _STRINGS, Input(length=2)),
    "vector": ("vector", DType("float", True, "Array(Float32)"), _FLOATS, Input()),
    "whole vector": ("vector", DType("int", True, "Array(Int64)"), _INTS, Input(length=3)),
}


def _feature(case: str) -> Feature:
    kind, dtype, _, options = _CASES[case]
    return Feature("view__x", "view", "x", dtype, kind, options)


def _column(case: str, values: Sequence[Any]) -> pa.Array:
    dtype = _CASES[case][1]
    if dtype.base == "timestamp":
        return pa.array(values, pa.int64()).cast(pa.timestamp("us")).cast(MOMENT)
    return pa.array(values, arrow_type(dtype))


@st.composite
def _worlds(draw: st.DrawFn) -> tuple[str, list[Any], list[Any]]:
    """A case, what it is fitted on (maybe nothing, maybe nulls alone), and what it then meets."""
    case = draw(st.sampled_from(sorted(_CASES)))
    _, dtype, value, _ = _CASES[case]
    one = st.none() | (st.lists(value, max_size=4) if dtype.is_list else value)
    return case, draw(st.lists(one, max_size=8)), draw(st.lists(one, min_size=1, max_size=8))


def _arrays(
    encoder: Any, columns: Mapping[str, pa.Array], times: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    encoded = encoder.encode(columns, times)
    dense = {} if encoded.dense is None else {"dense": encoded.dense}
    return {**dense, **encoded.sparse}


@given(_worlds())
def test_whatever_comes_is_finite_in_range_the_same_after_json_and_one_by_one(world: Any) -> None:
    case, trained, met = world
    encoder = ENCODERS[_CASES[case][0]].fit(
        _feature(case), _column(case, trained), np.zeros(len(trained), np.int64)
    )
    column, times = _column(case, met), np.arange(len(met), dtype=np.int64) * _DAY
    arrays = _arrays(encoder, {"view__x": column}, times)
    again = type(encoder).from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))
    assert again == encoder
    for name, array in _arrays(again, {"view__x": column}, times).items():
        np.testing.assert_array_equal(array, arrays[name])
    for n in range(len(met)):
        single = _arrays(encoder, {"view__x": column.slice(n, 1)}, times[n : n + 1])
        for name, array in arrays.items():
            np.testing.assert_array_equal(single[name], array[n : n + 1])
    _check_shapes(encoder, arrays, len(met))


def _check_shapes(encoder: Any, arrays: Mapping[str, NDArray[Any]], size: int) -> None:
    if encoder.columns:
        assert arrays["dense"].shape == (size, len(encoder.columns))
        assert arrays["dense"].dtype == np.float32
        assert np.isfinite(arrays["dense"]).all()
        assert np.abs(arrays["dense"]).max() <= 5
    for given_ in encoder.inputs:
        ids = arrays[given_.name]
        assert ids.dtype == np.int32
        assert ids.min(initial=0) >= 0
        assert ids.max(initial=0) < given_.size


def _fit(case: str, values: Sequence[Any]) -> Any:
    kind = _CASES[case][0]
    return ENCODERS[kind].fit(_feature(case), _column(case, values), np.zeros(len(values), np.int64))


def _encode(
    encoder: Any, case: str, values: Sequence[Any], times: Sequence[int] | None = None
) -> dict[str, Any]:
    at = np.array(times if times is not None else [0] * len(values), np.int64)
    return {n: a.tolist() for n, a in _arrays(encoder, {"view__x": _column(case, values)}, at).items()}


def test_ids_are_null_unknown_then_by_falling_frequency() -> None:
    encoder = _fit("string category", ["b", "a", "a", None, "c", "c", "c"])
    assert _encode(encoder, "string category", ["c", "a", "b", None, "new", ""])["view__x"] == [
        2,
        3,
        4,
        0,
        1,
        1,
    ]


def test_neighbours_beyond_2_to_the_53rd_are_different_categories() -> None:
    encoder = _fit("int category", [2**53, 2**53 + 1])
    assert sorted(_encode(encoder, "int category", [2**53, 2**53 + 1])["view__x"]) == [2, 3]
    assert _encode(encoder, "int category", [2**53 + 2])["view__x"] == [1]


def test_booleans_are_categories_and_numbers_alike() -> None:
    assert _encode(_fit("bool category", [True, True, False]), "bool category", [True, False, None]) == {
        "view__x": [2, 3, 0]
    }
    for case, values in (("boolean", [True, False, None]), ("whole boolean", [1, 0, None])):
        dense = np.array(_encode(_fit(case, values), case, values)["dense"])
        assert dense[:, 2].tolist() == [0, 0, 1]
        assert dense[0, 0] > dense[1, 0]


def test_too_many_values_give_way_to_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary_module, "LARGEST", 10)
    column = pa.array([f"value {n}" for n in range(11)])
    hashed, kept = fit_vocabulary(column), fit_vocabulary(column.slice(1))
    assert (hashed.values, hashed.bins) == ((), 16)
    assert (len(kept.values), kept.bins) == (10, 0)
    ids = hashed.encode(pa.array(["value 1", "unseen", None]))
    assert ids[2] == 0
    assert (ids[:2] > 0).all()
    assert fit_vocabulary(column, limit=3).bins == 0


def test_hashing_is_the_same_in_every_process_and_version() -> None:
    assert Vocabulary("string", (), 1000).encode(pa.array(["a", "b", ""])).tolist() == _KNOWN_STRINGS
    assert Vocabulary("int", (), 1000).encode(pa.array([0, 1, 2**53 + 1])).tolist() == _KNOWN_INTS


_KNOWN_STRINGS = [505, 976, 775]
_KNOWN_INTS = [1, 790, 403]


def test_text_is_cut_into_lower_case_words_of_any_script() -> None:
    texts = pa.array(
        ["Green Tea, 250g (BIO)", None, "", " -- ", "Crème\tBRÛLÉE", "cre\u0300me", "日本 茶", "a"]
    )
    assert words(texts).to_pylist() == [
        ["green", "tea", "250g", "bio"],
        [],
        [],
        [],
        ["crème", "brûlée"],
        ["cre\u0300me"],
        ["日本", "茶"],
        ["a"],
    ]


def test_a_bag_keeps_the_first_values_and_pads_with_null() -> None:
    encoder = _fit("int categories", [[1, 2], [2], None])
    assert _encode(encoder, "int categories", [[1, 2, 2], [], None, [9]])["view__x"] == [
        [3, 2],
        [0, 0],
        [0, 0],
        [1, 0],
    ]


def test_a_vector_of_another_length_counts_as_null() -> None:
    encoder = _fit("vector", [[1.0, 10.0], [3.0, 30.0], [5.0], None])
    dense = _encode(encoder, "vector", [[1.0, 30.0], [1.0], [1.0, 2.0, 3.0], [], None])["dense"]
    assert dense == [[-1, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]]


def test_a_timestamp_is_its_age_at_the_rows_own_time() -> None:
    encoder = NumberEncoder.fit(
        _feature("timestamp"), _column("timestamp", [0, 0]), np.array([1, 3], np.int64) * _DAY
    )
    met = _encode(encoder, "timestamp", [0, 5 * _DAY, None], [3 * _DAY, 6 * _DAY, 0])["dense"]
    assert [row[0] for row in met] == [1, -1, 0]
    assert [row[2] for row in met] == [0, 0, 1]


def test_buckets_hold_equal_shares_of_the_training_window_and_null_has_its_own() -> None:
    encoder = _fit("bucketed number", [float(n) for n in range(100)])
    ids = _encode(encoder, "bucketed number", [-1e9, 0.0, 30.0, 60.0, 99.0, 1e9, None, float("nan")])
    assert ids["view__x#bucket"] == [1, 1, 2, 3, 4, 4, 0, 0]


def test_a_history_speaks_the_items_ids_and_brings_its_ages() -> None:
    items = CategoryEncoder("item#id", Vocabulary("int", (7, 8)), 4)
    dtype = DType("int", True, "Array(Int64)")
    feature = Feature("v__last", "v", "last", dtype, "history", Input(length=3), ages="v__ages")
    encoder = fit_history(feature, items, limit=20)
    columns = {
        "v__last": pa.array([[8, 7, 99, 7], [7], [], None], pa.list_(pa.int64())),
        "v__ages": pa.array([[0.5, 1.0, 2.0, 9.0], [float("nan")], [], None], pa.list_(pa.float32())),
    }
    arrays = _arrays(encoder, columns, np.zeros(4, np.int64))
    assert arrays["v__last"].tolist() == [[3, 2, 1], [2, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert arrays[ages_of("v__last")].tolist() == [[0.5, 1.0, 2.0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    again = HistoryEncoder(items=items, **json.loads(json.dumps(encoder.to_dict())))
    assert again == encoder


@pytest.mark.parametrize("case", sorted(_CASES))
@pytest.mark.parametrize("trained", [[], [None], [None, None]])
def test_a_column_without_a_value_in_training_still_encodes(case: str, trained: list[Any]) -> None:
    encoder = _fit(case, trained)
    assert isinstance(encoder, BagEncoder | CategoryEncoder | NumberEncoder | VectorEncoder)
    _check_shapes(encoder, _arrays(encoder, {"view__x": _column(case, [None])}, np.zeros(1, np.int64)), 1)
