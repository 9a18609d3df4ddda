"""The torch peer: it learns what is planted, from the rows that teach it alone."""

from __future__ import annotations

import numpy as np
import pytest

from tfrs_mtl import spec
from tfrs_mtl.dataset.examples import Block, Examples, ModelInput

pytest.importorskip("torch_rechub", reason="the extra `torch` is not installed")

INPUTS = (
    ModelInput("past", "history", 12, "item", 4),
    ModelInput("item", "category", 12, "item", 4),
    ModelInput("words", "bag", 9, "word", 3),
    ModelInput("moment", "dense", 2),
)


def _examples(size: int, seed: int) -> Examples:
    """Draw rows: the first number says who buys items above 6; what is spent is 100 + 10 times the second."""
    rng = np.random.default_rng(seed)
    items, moment = rng.integers(2, 12, size), rng.normal(size=(size, 2)).astype(np.float32)
    buys = ((items > 6) & (moment[:, 0] > 0)).astype(np.float32)
    spend = np.where(buys == 1, 100 + 10 * moment[:, 1], np.nan).astype(np.float32)
    past = {"past": rng.integers(0, 12, (7, 3)).astype(np.int32), "past#ages": np.ones((7, 3), np.float32)}
    words = rng.integers(0, 9, (size, 2)).astype(np.int32)
    own = {"item": items.astype(np.int32), "moment": moment, "words": words}
    blocks = (Block(past, rng.integers(0, 7, size).astype(np.int32)), Block(own))
    return Examples(blocks, size, {"buy": buys, "spend": spend})


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["mmoe", "ple"])
def test_it_learns_the_chance_and_the_amount_given_it(architecture: str) -> None:
    from benchmarks.peers.torch_rechub import rechub

    ranking = spec.Ranking.model_validate(
        {
            "tasks": [
                {"name": "buy", "kind": "binary", "label": "bought"},
                {"name": "spend", "kind": "regression", "label": "price", "when": "buy"},
            ],
            "architecture": architecture,
            "hidden": [16],
            "tower": [8],
            "training": {"epochs": 4, "batch_size": 128, "learning_rate": 0.01, "patience": 4},
        }
    )
    test = _examples(1000, 2)
    peer, history = rechub(INPUTS, ranking, _examples(6000, 0), _examples(1000, 1), seed=0)
    found = peer.predict(test)
    bought = test.labels["buy"] == 1
    assert len(history.epochs) == 4
    assert found["buy"][bought].mean() > found["buy"][~bought].mean() + 0.5
    assert np.corrcoef(found["spend"][bought], test.labels["spend"][bought])[0, 1] > 0.9
    assert abs(found["spend"][bought].mean() - 100) < 3
