"""How long the candidates of one request take: a ranker as serving calls it, and as Keras does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import Arrays, Examples, ModelInput
from tfrs_mtl.dataset.preprocessor import Preprocessor
from tfrs_mtl.layers.features import names_of
from tfrs_mtl.models import PARTS, RANKING_ID_DIM
from tfrs_mtl.ranking.inference import Inference, Inputs
from tfrs_mtl.ranking.model import RankingModel

CANDIDATES, CATALOGUE, REPEATS = 500, 20_000, 30

Call = Callable[[], Any]


class Request(NamedTuple):
    """One query's candidates.

    Attributes:
        query: its arrays, [1, ...].
        items: arrays of the whole catalogue.
        pairs: arrays of the candidates, [candidates, ...].
        chosen: their rows of the catalogue.
    """

    query: Arrays
    items: Arrays
    pairs: Arrays
    chosen: NDArray[np.int64]


def inputs_of(preprocessor: Preprocessor, model: RankingModel) -> Inputs:
    """Return what a model reads, by side."""
    sides = (preprocessor.inputs(part, id_dim=RANKING_ID_DIM) for part in PARTS)
    return Inputs(*(tuple(given for given in side if given in model.model_inputs) for side in sides))


def request_of(examples: Examples, inputs: Inputs, *, seed: int) -> Request:
    """Make a request of a window's rows: its first query, candidates by lot; who met whom has no say."""
    arrays = {name: array for block in examples.blocks for name, array in block.arrays.items()}

    def first(side: Sequence[ModelInput], size: int) -> Arrays:
        return {name: arrays[name][:size] for given in side for name in names_of(given)}

    items = first(inputs.item, CATALOGUE)
    known = min(len(array) for array in items.values())
    chosen = np.random.default_rng(seed).choice(known, min(CANDIDATES, known), replace=False)
    return Request(first(inputs.query, 1), items, first(inputs.pair, len(chosen)), chosen)


def exported(models: Sequence[RankingModel], inputs: Inputs, request: Request) -> Call:
    """Return the call of models one after the other, as serving does: items are encoded beforehand."""
    calls = [_exported(model, inputs, request) for model in models]
    return lambda: [call() for call in calls]


def _exported(model: RankingModel, inputs: Inputs, request: Request) -> Call:
    inference = Inference(model, inputs)
    items, rows = inference.encode_items(request.items), np.zeros(len(request.chosen), np.int64)
    return lambda: inference.predict(
        request.query, items, request.pairs, query_rows=rows, item_rows=request.chosen
    )


def eager(model: RankingModel, request: Request) -> Call:
    """Return the uncompiled call of the model on rows that stand side by side beforehand."""
    features = {name: np.repeat(array, len(request.chosen), axis=0) for name, array in request.query.items()}
    features |= {name: array[request.chosen] for name, array in request.items.items()}
    features |= request.pairs

    def call() -> Any:
        found = model({name: tf.constant(array) for name, array in features.items()})
        return {name: tensor.numpy() for name, tensor in found.items()}

    return call


def milliseconds(calls: Mapping[str, Call]) -> dict[str, float]:
    """Return the median time of each; they take turns, so that a busy machine is busy for all."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(REPEATS + 2):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            if turn > 1:  # the first compile
                taken[name].append(1000 * (time.perf_counter() - began))
    return {name: float(np.median(found)) for name, found in taken.items()}
