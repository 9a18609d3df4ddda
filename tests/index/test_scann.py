"""ScaNN finds nearly all that exact search finds, scores it alike, and obeys the same limits."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tfrs_mtl.errors import BundleError, RequestError
from tfrs_mtl.index import ExactIndex, Excluded, index_named, recall_at
from tfrs_mtl.index.protocol import Vectors
from tfrs_mtl.index.scann import ScannIndex

pytestmark = pytest.mark.skipif(find_spec("scann") is None, reason="the extra `ann` is not installed")
ITEMS, K = 20_000, 50


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    """Items in clusters, as towers lay them."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(200, 32))
    found = centres[random.integers(0, 200, ITEMS)] + 0.4 * random.normal(size=(ITEMS, 32))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def queries(vectors: Vectors) -> Vectors:
    random = np.random.default_rng(1)
    near = vectors[random.integers(0, ITEMS, 100)]
    return (near + 0.1 * random.normal(size=near.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def index(vectors: Vectors) -> ScannIndex:
    return ScannIndex.build(vectors)


@pytest.fixture(scope="module")
def exact(vectors: Vectors) -> ExactIndex:
    return ExactIndex.build(vectors)


def test_it_finds_nearly_everything_in_a_part_of_the_partitions(
    index: ScannIndex, exact: ExactIndex, queries: Vectors
) -> None:
    assert recall_at(index, exact, queries, 100) > 0.95
    assert 0 < index.leaves < np.sqrt(ITEMS) / 2


def test_what_it_finds_is_scored_and_ordered_as_by_exact_search(
    index: ScannIndex, exact: ExactIndex, queries: Vectors
) -> None:
    found, true = index.search(queries, K), exact.search(queries, K)
    for mine, scores, rows, expected in zip(*found, *true, strict=True):
        known = dict(zip(rows, expected, strict=True))
        assert [known[row] for row in mine if row in known] == [
            score for row, score in zip(mine, scores, strict=True) if row in known
        ]
        assert (np.diff(scores) <= 0).all()
        assert len(set(mine)) == K


@pytest.mark.parametrize("share", [0.9, 0.6, 0.02])
def test_limits_are_obeyed_and_k_is_filled(
    index: ScannIndex, exact: ExactIndex, queries: Vectors, share: float
) -> None:
    random = np.random.default_rng(2)
    allowed = random.random(ITEMS) < share
    barred = exact.search(queries, 20, allowed=allowed).rows  # each query's best are taken from it
    excluded = Excluded(np.arange(len(queries) + 1) * 20, barred.ravel())
    found = index.search(queries, K, excluded=excluded, allowed=allowed)
    true = exact.search(queries, K, excluded=excluded, allowed=allowed)
    assert (found.rows >= 0).all()
    assert allowed[found.rows].all()
    assert not any(np.isin(mine, own).any() for mine, own in zip(found.rows, barred, strict=True))
    assert np.mean([np.isin(a, b).mean() for a, b in zip(true.rows, found.rows, strict=True)]) > 0.95


def test_a_query_whose_neighbourhood_is_left_out_gets_what_exact_search_finds(
    index: ScannIndex, exact: ExactIndex, vectors: Vectors, queries: Vectors
) -> None:
    one = queries[:1]
    allowed = vectors @ one[0] < np.quantile(vectors @ one[0], 0.6)
    found, true = index.search(one, K, allowed=allowed), exact.search(one, K, allowed=allowed)
    np.testing.assert_array_equal(found.rows, true.rows)


@pytest.mark.parametrize("items", [0, 3, 500])
def test_a_small_catalogue_is_searched_exactly(vectors: Vectors, queries: Vectors, items: int) -> None:
    few = ScannIndex.build(vectors[:items])
    found, true = few.search(queries, 10), ExactIndex.build(vectors[:items]).search(queries, 10)
    np.testing.assert_array_equal(found.rows, true.rows)


def test_more_than_the_catalogue_is_padded(index: ScannIndex, queries: Vectors) -> None:
    found = index.search(queries[:1], ITEMS + 5)
    assert sorted(found.rows[0])[:6] == [-1] * 5 + [0]


def test_what_is_saved_answers_the_same_from_another_place(
    index: ScannIndex, queries: Vectors, tmp_path: Path
) -> None:
    index.save(tmp_path / "here")
    shutil.move(tmp_path / "here", tmp_path / "there")
    again = index_named("scann").load(tmp_path / "there")
    assert (again.size, again.dim) == (ITEMS, 32)
    for mine, first in zip(again.search(queries, K), index.search(queries, K), strict=True):
        np.testing.assert_array_equal(mine, first)


@pytest.mark.parametrize("lost", ["scann/leaves", "scann/scann_config.pb", "vectors.npy"])
def test_a_lost_file_is_a_bundle_error(index: ScannIndex, tmp_path: Path, lost: str) -> None:
    index.save(tmp_path)
    (tmp_path / lost).unlink()
    with pytest.raises(BundleError, match=r"scann|vectors\.npy"):
        ScannIndex.load(tmp_path)


def test_arrays_that_do_not_fit_are_request_errors(index: ScannIndex, queries: Vectors) -> None:
    with pytest.raises(RequestError, match=r"\[queries, 32\]"):
        index.search(queries[:, :5], 3)
    with pytest.raises(RequestError, match="allowed"):
        index.search(queries, 3, allowed=np.ones(4, np.bool_))
