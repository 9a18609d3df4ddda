"""The request that the ranking benchmark times: both ways to score it give the same answer."""

from __future__ import annotations

import numpy as np

from benchmarks.ranked.scoring import eager, exported, milliseconds, request_of
from tfrs_mtl import spec
from tfrs_mtl.dataset.examples import Block, Examples, ModelInput
from tfrs_mtl.layers.build import build
from tfrs_mtl.ranking.inference import Inputs
from tfrs_mtl.ranking.model import RankingModel

INPUTS = Inputs(
    query=(ModelInput("past", "history", 12, "item", 4),),
    item=(ModelInput("item", "category", 12, "item", 4),),
    pair=(ModelInput("moment", "dense", 2),),
)


def _examples(size: int) -> Examples:
    rng = np.random.default_rng(0)
    past = {"past": rng.integers(0, 12, (3, 5)).astype(np.int32), "past#ages": np.ones((3, 5), np.float32)}
    blocks = (
        Block(past, rng.integers(0, 3, size).astype(np.int32)),
        Block({"item": np.arange(2, 12, dtype=np.int32)}, rng.integers(0, 10, size).astype(np.int32)),
        Block({"moment": rng.normal(size=(size, 2)).astype(np.float32)}),
    )
    return Examples(blocks, size)


def test_serving_and_keras_score_the_same_candidates() -> None:
    tasks = (spec.Task(name="buy", kind="binary", label="b"),)
    model = RankingModel(sum(INPUTS, ()), spec.Ranking(tasks=tasks, hidden=(8,), tower=(4,)))
    build(model, model.model_inputs, seed=0)
    request = request_of(_examples(40), INPUTS, seed=0)
    served, called = exported([model, model], INPUTS, request)(), eager(model, request)()
    assert len(served) == 2
    assert len(request.chosen) == 10
    np.testing.assert_allclose(served[0]["buy"], called["buy"], atol=1e-6)


def test_each_call_is_timed_by_itself() -> None:
    taken = milliseconds({"nothing": lambda: None, "sum": lambda: sum(range(100_000))})
    assert 0 <= taken["nothing"] < taken["sum"]
