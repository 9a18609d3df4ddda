"""The short way through the ranking model gives what the Keras model gives."""

from __future__ import annotations

import numpy as np
import pytest

from tfrs_mtl import spec
from tfrs_mtl.dataset.examples import Arrays, ModelInput, ages_of
from tfrs_mtl.layers.build import build
from tfrs_mtl.ranking.architectures import ARCHITECTURES as TABLE
from tfrs_mtl.ranking.inference import Inference, Inputs
from tfrs_mtl.ranking.model import RankingModel

QUERIES, ITEMS = 3, 40
QUERY = (
    ModelInput("query#dense", "dense", 5),
    ModelInput("who", "category", 9, "who", 4),
    ModelInput("past", "history", ITEMS, "item", 8),
)
ITEM = (ModelInput("item", "category", ITEMS, "item", 8), ModelInput("words", "bag", 7, "words", 4))
PAIR = (ModelInput("pair#dense", "dense", 2), ModelInput("recency", "category", 6, "recency", 4))
TASKS = (
    spec.Task(name="buy", kind="binary", label="bought"),
    spec.Task(name="keep", kind="binary", label="kept", when="buy"),
    spec.Task(name="spend", kind="regression", label="value", when="buy"),
    spec.Task(name="stars", kind="multiclass", label="rating", when="buy"),
)
ARCHITECTURES = {
    **{name: {"name": name} for name in TABLE},
    "mmoe": {"name": "mmoe", "experts": 3},
    "stem": {"name": "stem", "own_dim": 3},
    "esmm over stem": {"name": "esmm", "over": {"name": "stem", "own_dim": 3}},
}


def _arrays(inputs: tuple[ModelInput, ...], rows: int, seed: int) -> Arrays:
    rng = np.random.default_rng(seed)
    found = {}
    for given in inputs:
        shape = {"category": (rows,), "dense": (rows, given.size)}.get(given.form, (rows, 6))
        if given.form == "dense":
            found[given.name] = rng.normal(size=shape).astype(np.float32)
        else:
            found[given.name] = rng.integers(0, given.size, shape).astype(np.int32)
        if given.form == "history":
            found[ages_of(given.name)] = rng.uniform(0, 90, shape).astype(np.float32)
    return found


@pytest.mark.parametrize(
    ("name", "hidden", "history"),
    [
        *((name, (16,), "mean") for name in sorted(ARCHITECTURES)),
        ("mmoe", (16, 8), "mean"),
        ("shared_bottom", (), "none"),
    ],
)
@pytest.mark.parametrize(
    ("parts", "largest"),
    [((QUERY, ITEM, PAIR), 2**30), ((QUERY, ITEM, ()), 0), ((QUERY[:1], (), PAIR), 2**30)],
)
def test_pairs_get_what_the_model_predicts_of_them_row_by_row(
    name: str,
    hidden: tuple[int, ...],
    history: str,
    parts: tuple[tuple[ModelInput, ...], ...],
    largest: int,
) -> None:
    settings = spec.Ranking.model_validate(
        {"tasks": TASKS, "architecture": ARCHITECTURES[name], "hidden": hidden, "history": history}
    )
    model = RankingModel([given for part in parts for given in part], settings)
    build(model, model.model_inputs, seed=1)
    inference = Inference(model, Inputs(*parts), largest=largest)
    queries, items = _arrays(parts[0], QUERIES, 3), _arrays(parts[1], ITEMS, 4)
    encoded = inference.encode_items(items)
    for rows in (0, 1, 5000):
        rng = np.random.default_rng(2)
        query_rows, item_rows = rng.integers(0, QUERIES, rows), rng.integers(0, ITEMS, rows)
        pairs = _arrays(parts[2], rows, 5)
        sides = {key: array[query_rows] for key, array in queries.items()}
        sides |= {key: array[item_rows] for key, array in items.items()}
        found = inference.predict(queries, encoded, pairs, query_rows=query_rows, item_rows=item_rows)
        expected = model.predict({**sides, **pairs})
        assert set(found) == set(expected) == {"buy", "keep", "spend", "stars", "stars#0", "stars#1"}
        for task, values in expected.items():
            assert found[task].shape == (rows,)
            np.testing.assert_allclose(found[task], values, rtol=1e-5, atol=1e-6)
