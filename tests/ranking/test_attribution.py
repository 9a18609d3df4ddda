"""What moved a score: baseline and inputs sum to it, and each input has its own share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tfrs_mtl import spec
from tfrs_mtl.dataset.examples import UNKNOWN, ModelInput, ages_of
from tfrs_mtl.layers.build import build
from tfrs_mtl.ranking.attribution import attribute, column_names
from tfrs_mtl.ranking.model import RankingModel

INPUTS = (
    ModelInput("query#dense", "dense", 2),
    ModelInput("past", "history", 20, "item", 4),
    ModelInput("item", "category", 20, "item", 4),
    ModelInput("words", "bag", 7, "words", 4),
)
DENSE = {"query#dense": ("income", "age")}
TASKS = (
    spec.Task(name="buy", kind="binary", label="b"),
    spec.Task(name="spend", kind="regression", label="s", when="buy"),
)
ROWS = 70  # more than one block


def _model(**options: Any) -> RankingModel:
    model = RankingModel(INPUTS, spec.Ranking.model_validate({"tasks": TASKS, **options}))
    build(model, model.model_inputs, seed=1)
    rng = np.random.default_rng(0)  # trained weights are larger than new ones, and biases are not zero
    model.set_weights([w + rng.normal(0, 0.2, w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def _features() -> dict[str, Any]:
    rng = np.random.default_rng(2)
    return {
        "query#dense": rng.normal(size=(ROWS, 2)).astype(np.float32),
        "past": rng.integers(2, 20, (ROWS, 5)).astype(np.int32),
        ages_of("past"): rng.uniform(0, 90, (ROWS, 5)).astype(np.float32),
        "item": rng.integers(2, 20, ROWS).astype(np.int32),
        "words": rng.integers(2, 7, (ROWS, 3)).astype(np.int32),
    }


def _score(predictions: Mapping[str, Any], rows: Any) -> Any:
    return predictions["buy"] + 0.1 * predictions["buy"] * predictions["spend"]


@pytest.mark.parametrize(
    "architecture", [spec.Mmoe(experts=3), spec.SharedBottom(), spec.Stem(own_dim=3)], ids=lambda a: a.name
)
def test_baseline_and_inputs_sum_to_the_score(architecture: spec.Architecture) -> None:
    model, features = _model(architecture=architecture, hidden=(16,), tower=(8,)), _features()
    found = attribute(model, features, _score)
    scores = _score(model.predict(features), None)
    assert found.columns.shape == (ROWS, len(column_names(model, DENSE)))
    error = np.abs(found.baseline + found.columns.sum(axis=1) - scores)
    assert (error <= 0.02 * np.abs(found.columns).sum(axis=1)).all()
    assert np.ptp(found.baseline) < 1e-6  # the same for all, but for rounding by position in a block


def test_of_a_linear_model_each_input_gets_its_weight_times_its_value() -> None:
    model, features = _model(architecture=spec.SharedBottom(), hidden=(), tower=()), _features()
    found = attribute(model, features, lambda predictions, rows: predictions["spend"])
    names = np.array(column_names(model, DENSE))
    for name, change in {"income": ("query#dense", 0), "age": ("query#dense", 1)}.items():
        without = {key: value.copy() for key, value in features.items()}
        without[change[0]][:, change[1]] = 0.0
        moved = model.predict(features)["spend"] - model.predict(without)["spend"]
        np.testing.assert_allclose(found.columns[:, names == name].sum(axis=1), moved, rtol=1e-3, atol=1e-4)


def test_an_input_of_which_nothing_is_known_moves_nothing() -> None:
    model, features = _model(architecture=spec.SharedBottom(), hidden=(16,)), _features()
    features["item"][:] = UNKNOWN
    features["query#dense"][:, 1] = 0.0
    names = np.array(column_names(model, DENSE))
    columns = attribute(model, features, _score).columns
    assert not columns[:, np.isin(names, ["item", "age"])].any()
    assert columns[:, names == "income"].any()
    assert columns[:, names == "past"].any()
