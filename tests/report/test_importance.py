"""What matters is what the labels were made of; which experts a task listens to."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tfrs_mtl import spec
from tfrs_mtl.dataset.encoders import NumberEncoder
from tfrs_mtl.dataset.preprocessor import Preprocessor
from tfrs_mtl.layers.build import build
from tfrs_mtl.ranking.gates import gates_of
from tfrs_mtl.ranking.model import RankingModel
from tfrs_mtl.report.importance import permutation_importance
from tfrs_mtl.schema import DType, Feature
from tfrs_mtl.spec import Input

BUY = spec.Task(name="buy", kind="binary", label="b")


def _encoder(name: str, values: np.ndarray) -> NumberEncoder:
    feature = Feature(name, "v", name, DType("float", False, "Float64"), "number", Input())
    return NumberEncoder.fit(feature, pa.array(values), np.zeros(len(values), np.int64))


def _world(architecture: str) -> tuple[RankingModel, Preprocessor, dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=500) for name in ("told", "noise")}
    encoders = tuple(_encoder(name, values) for name, values in columns.items())
    preprocessor = Preprocessor(query=encoders, item=(), pair=())
    times = np.zeros(500, np.int64)
    dense = np.hstack([e.encode({e.feature: pa.array(columns[e.feature])}, times).dense for e in encoders])
    ranking = spec.Ranking(tasks=(BUY,), architecture=architecture, hidden=(4,), tower=(), dropout=0.0)  # type: ignore[arg-type]
    model = RankingModel(preprocessor.inputs("query", "item", "pair"), ranking)
    build(model, model.model_inputs)
    labels = (columns["told"] > 0).astype(np.float32)
    return model, preprocessor, {"query#dense": dense.astype(np.float32)}, labels


def test_shuffling_what_the_labels_were_made_of_costs_and_shuffling_noise_does_not() -> None:
    model, preprocessor, arrays, labels = _world("shared_bottom")
    entry, head = model.architecture.entry, model.heads["buy"].linear
    kernel = np.zeros(entry.kernel.shape, np.float32)
    kernel[0, 0] = 1.0  # the rank of what tells
    entry.kernel.assign(kernel)
    head.kernel.assign(np.eye(4, 1, dtype=np.float32))
    found = permutation_importance(model, preprocessor, arrays, {"buy": labels}, seed=0)
    assert found["told"]["buy"] > 0.3
    assert found["noise"]["buy"] == 0
    assert arrays["query#dense"][0].tolist() == _world("shared_bottom")[2]["query#dense"][0].tolist()


def test_features_of_one_name_are_shuffled_together_under_it() -> None:
    model, preprocessor, arrays, labels = _world("shared_bottom")
    names = {"told": "(sensitive)", "noise": "(sensitive)"}
    found = permutation_importance(model, preprocessor, arrays, {"buy": labels}, seed=0, names=names)
    assert list(found) == ["(sensitive)"]


def test_shares_of_experts_sum_to_one_and_shared_bottom_has_none() -> None:
    for name in ("mmoe", "cgc", "ple", "stem"):
        model, _, arrays, _ = _world(name)
        (shares,) = gates_of(model, arrays).values()
        assert len(shares) > 1
        np.testing.assert_allclose(sum(shares), 1, rtol=1e-5)
    model, _, arrays, _ = _world("shared_bottom")
    assert gates_of(model, arrays) == {}
