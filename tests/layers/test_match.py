"""A candidate meets the history it stands in."""

from __future__ import annotations

import numpy as np

from tfrs_mtl.dataset.examples import ModelInput, ages_of
from tfrs_mtl.layers.match import Match, Pair, pairs

INPUTS = (
    ModelInput("user", "category", 9, "user", 4),
    ModelInput("seen", "history", 9, "item", 4),
    ModelInput("item", "category", 9, "item", 4),
    ModelInput("bought", "history", 9, "item", 4),
)


def _match(history: list[int], ages: list[float], item: int) -> np.ndarray:
    features = {
        "h": np.array([history], np.int32),
        ages_of("h"): np.array([ages], np.float32),
        "i": np.array([item], np.int32),
    }
    return np.array(Match([Pair("h", "i")])(features))[0]


def test_histories_meet_the_categories_of_their_table() -> None:
    assert pairs(INPUTS) == (Pair("seen", "item"), Pair("bought", "item"))


def test_matches_are_counted_shared_and_dated() -> None:
    found = _match([5, 7, 5, 0], [3.0, 1.0, 40.0, 0.0], 5)
    np.testing.assert_allclose(found, [1, np.log1p(2), 2 / 3, np.log1p(3)], rtol=1e-6)


def test_no_match_is_all_zeros() -> None:
    assert not _match([5, 7, 0], [0.0, 1.0, 0.0], 6).any()


def test_an_unknown_age_is_not_the_most_recent() -> None:
    found = _match([5, 5, 0], [np.nan, 8.0, np.nan], 5)
    np.testing.assert_allclose(found, [1, np.log1p(2), 1, np.log1p(8)], rtol=1e-6)
    np.testing.assert_allclose(_match([5], [np.nan], 5), [1, np.log1p(1), 1, 0], rtol=1e-6)


def test_null_and_unknown_items_match_nothing() -> None:
    assert not _match([1, 0, 0], [1.0, 0.0, 0.0], 1).any()
    assert not _match([2, 0, 0], [1.0, 0.0, 0.0], 0).any()


def test_an_empty_history_of_no_length_matches_nothing() -> None:
    assert not _match([], [], 5).any()
