"""Exact search equals a full sort, whatever the shapes, ties, masks and exclusions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tfrs_mtl.errors import BundleError, RequestError, UserError
from tfrs_mtl.index import INDEXES, ExactIndex, Excluded, Found, index_named
from tfrs_mtl.index import exact as exact_module


def full_sort(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    k: int,
    *,
    left_out: NDArray[np.bool_],
) -> Found:
    """Score every pair in float64, round, sort everything: the answer that search must give."""
    rows = np.full((len(queries), k), -1, dtype=np.int32)
    best = np.full((len(queries), k), -np.inf, dtype=np.float32)
    for place, query in enumerate(queries.astype(np.float64)):
        scores = np.einsum("nd,d->n", vectors, query).astype(np.float32)
        order = np.argsort(-scores, kind="stable")
        order = order[~left_out[place, order]][:k]
        rows[place, : len(order)] = order
        best[place, : len(order)] = scores[order]
    return Found(rows, best)


def compressed(left_out: NDArray[np.bool_]) -> Excluded:
    lines, rows = np.nonzero(left_out)
    return Excluded(np.searchsorted(lines, np.arange(len(left_out) + 1)), rows)


@st.composite
def shops(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Item and query vectors; small integers make many ties, normal draws make none."""
    items, dim, queries = draw(st.integers(0, 400)), draw(st.integers(1, 9)), draw(st.integers(0, 6))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        values = random.integers(-2, 3, (items + queries, dim)).astype(np.float32)
    else:
        values = random.standard_normal((items + queries, dim), dtype=np.float32)
        values *= np.float32(10.0 ** draw(st.integers(-20, 15)))
    return values[:items], values[items:]


@settings(max_examples=300, deadline=None)
@given(
    shops(),
    st.integers(0, 450),
    st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    st.sampled_from([0.02, 0.5, 1.0]),
    st.data(),
)
def test_search_equals_a_full_sort(
    shop: tuple[NDArray[np.float32], NDArray[np.float32]],
    k: int,
    share_excluded: float,
    share_allowed: float,
    data: st.DataObject,
) -> None:
    vectors, queries = shop
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    excluded = random.random((len(queries), len(vectors))) < share_excluded
    allowed = random.random(len(vectors)) < share_allowed
    found = ExactIndex.build(vectors).search(queries, k, excluded=compressed(excluded), allowed=allowed)
    expected = full_sort(vectors, queries, k, left_out=excluded | ~allowed)
    np.testing.assert_array_equal(found.rows, expected.rows)
    np.testing.assert_array_equal(found.scores, expected.scores)
    assert found.rows.dtype == np.int32
    assert found.scores.dtype == np.float32


def test_a_batch_equals_its_singles_and_the_full_sort_on_many_items(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    vectors = random.standard_normal((20_000, 16), dtype=np.float32)
    vectors[7_000:9_000] = vectors[:2_000]  # duplicates: ties that only the row can break
    queries = random.standard_normal((50, 16), dtype=np.float32)
    monkeypatch.setattr(exact_module, "_BLOCK_BYTES", 7 * 4 * 20_000)  # blocks of seven queries, then one
    index = ExactIndex.build(vectors)
    found = index.search(queries, 300)
    expected = full_sort(vectors, queries, 300, left_out=np.zeros((50, 20_000), dtype=bool))
    np.testing.assert_array_equal(found.rows, expected.rows)
    for place in range(50):
        single = index.search(queries[place : place + 1], 300)
        np.testing.assert_array_equal(single.rows[0], found.rows[place])
        np.testing.assert_array_equal(single.scores[0], found.scores[place])


def test_equal_scores_are_ordered_by_row() -> None:
    index = ExactIndex.build(np.ones((1_000, 3), dtype=np.float32))
    found = index.search(np.ones((1, 3), dtype=np.float32), 10)
    assert found.rows.tolist() == [list(range(10))]


def test_more_than_the_catalogue_is_padded() -> None:
    found = ExactIndex.build(np.eye(3, dtype=np.float32)).search(np.eye(3, dtype=np.float32)[:1], 5)
    assert found.rows.tolist() == [[0, 1, 2, -1, -1]]
    assert found.scores.tolist() == [[1, 0, 0, -np.inf, -np.inf]]


@pytest.mark.parametrize("memory_map", [False, True])
def test_what_is_saved_is_loaded_again(tmp_path: Path, memory_map: bool) -> None:
    random = np.random.default_rng(1)
    index = ExactIndex.build(random.standard_normal((50, 4), dtype=np.float32))
    index.save(tmp_path / "index")
    again = ExactIndex.load(tmp_path / "index", memory_map=memory_map)
    assert (again.size, again.dim) == (50, 4)
    queries = random.standard_normal((3, 4), dtype=np.float32)
    np.testing.assert_array_equal(again.search(queries, 9).rows, index.search(queries, 9).rows)


@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY\x01\x00", b"not an array"])
def test_a_damaged_file_is_a_bundle_error_that_names_it(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "vectors.npy").write_bytes(content)
    with pytest.raises(BundleError, match=r"vectors\.npy"):
        ExactIndex.load(tmp_path)


def test_arrays_that_do_not_fit_are_request_errors() -> None:
    index = ExactIndex.build(np.eye(3, dtype=np.float32))
    query = np.ones((1, 3), dtype=np.float32)
    pointers = np.array([0, 1])
    with pytest.raises(RequestError, match="k of 0 or more, got -1"):
        index.search(query, -1)
    with pytest.raises(RequestError, match=r"\[queries, 3\], got \[1, 2\]"):
        index.search(query[:, :2], 1)
    with pytest.raises(RequestError, match=r"finite queries.* in row 0"):
        index.search(query * np.float32(np.nan), 1)
    with pytest.raises(RequestError, match=r"allowed \[3\] bool, got \[2\]"):
        index.search(query, 1, allowed=np.ones(2, dtype=bool))
    with pytest.raises(RequestError, match="from 0 to 2, got 3 to 3"):
        index.search(query, 1, excluded=Excluded(pointers, np.array([3])))
    with pytest.raises(RequestError, match="rising from 0 to 2"):
        index.search(query, 1, excluded=Excluded(pointers, np.array([1, 2])))


def test_vectors_so_long_that_a_product_overflows_are_refused() -> None:
    index = ExactIndex.build(np.full((2, 2), 3e38, dtype=np.float32))
    with pytest.raises(RequestError, match="overflow"):
        index.search(np.full((1, 2), 10, dtype=np.float32), 1)


def test_an_unknown_index_lists_the_names() -> None:
    assert index_named("exact") is ExactIndex
    with pytest.raises(UserError, match=rf"no index 'exakt'; did you mean 'exact'.*{min(INDEXES)}"):
        index_named("exakt")
