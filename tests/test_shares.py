"""What probabilities among sampled negatives mean among candidates."""

from __future__ import annotations

import numpy as np
import pytest

from tfrs_mtl.ranking.shares import Share
from tfrs_mtl.training.shares import _fit


def test_the_fit_finds_how_candidates_come_true() -> None:
    rng = np.random.default_rng(0)
    probability, exposure = rng.uniform(0.05, 0.95, 100_000), rng.uniform(0.001, 0.5, 100_000)
    logit = 1.5 * np.log(probability / (1 - probability)) + 0.6 * np.log(exposure) + 0.5
    found = _fit(probability, exposure, rng.random(100_000) < 1 / (1 + np.exp(-logit)))
    assert found == pytest.approx(Share(1.5, 0.6, 0.5), abs=0.05)


@pytest.mark.parametrize("met", [np.zeros(0, bool), np.arange(2_000) < 1_000])
def test_where_nothing_is_known_or_the_order_would_turn_it_is_the_density_ratio(met: np.ndarray) -> None:
    probability = np.linspace(0.05, 0.95, len(met))  # those that come true have the lower half
    assert _fit(probability, np.full(len(met), 0.01), met) == Share()


def test_items_without_exposure_are_left_out() -> None:
    assert _fit(np.full(10, 0.5), np.zeros(10), np.ones(10, bool)) == Share()
