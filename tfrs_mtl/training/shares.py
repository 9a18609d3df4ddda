"""What a probability among sampled negatives means among candidates, fitted on the validation window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl import spec
from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.evaluation.item_sets import ItemSets
from tfrs_mtl.models import Models
from tfrs_mtl.ranking.logistic import logistic_regression
from tfrs_mtl.ranking.shares import Share
from tfrs_mtl.scoring import Scorer, standing_for, to_snapshot
from tfrs_mtl.training.prepare import TrainingSets

Floats = NDArray[np.float64]

_QUERIES = 1_000
_LEAST = 1e-7


def fit_shares(shop: Shop, sets: TrainingSets, models: Models, *, seed: int) -> dict[str, Share]:
    """Return the shares of the tasks whose negatives are sampled: binary ones without a condition.

    A logistic regression, over the candidates that up to 1,000 queries have at the window's start, of what
    they met in it. Labels that are known after a ``delay`` are left alone, and so is all where the shop logs
    impressions.
    """
    declared = shop.schema.spec
    exposure = shop.exposure(sets.moment.at)
    tasks = [t for t in declared.ranking.tasks if t.kind == "binary" and t.when is None and t.delay is None]
    if exposure is None or not tasks:
        return {}
    scorer = Scorer(
        schema=shop.schema,
        models=models,
        items=to_snapshot(models, sets.moment.items),
        candidates=declared.batch.candidates,
        k=1,
        weights=declared.weights,
        exposure=exposure,
        standing=standing_for(models, shop, sets.moment.at),
    )
    rows = _some(len(sets.moment.codes), seed)
    queries = scorer.encode(sets.moment.queries.take(rows))
    candidates = scorer.find(queries, scorer.candidates)
    held = candidates >= 0
    who, what = np.nonzero(held)[0].astype(np.int64), candidates[held].astype(np.int64)
    predicted = scorer.predict(queries, who, what, context={})
    return {
        task.name: _fit(
            predicted[task.name].astype(np.float64),
            exposure[what].astype(np.float64),
            _met(shop, task, sets.moment.codes[rows]).contains(who, what),
        )
        for task in tasks
    }


def _some(size: int, seed: int) -> NDArray[np.int64]:
    chosen = np.random.default_rng(seed).permutation(size)[:_QUERIES]
    return np.sort(chosen).astype(np.int64)


def _met(shop: Shop, task: spec.Task, queries: NDArray[np.int64]) -> ItemSets:
    """Return what each query met with this label in the validation window."""
    times, window = shop.interactions.times, shop.windows.validation
    inside = (times < window.end) & (shop.interactions.labels[task.label] > 0)
    if window.start is not None:
        inside &= times >= window.start
    inside &= np.isin(shop.query_codes, queries)
    owners = np.searchsorted(queries, shop.query_codes[inside])
    return ItemSets.from_pairs(owners, shop.item_codes[inside], number=len(queries))


def _fit(probability: Floats, exposure: Floats, met: NDArray[np.bool_]) -> Share:
    known = exposure > 0
    chance = np.clip(probability[known], _LEAST, 1 - _LEAST)
    inputs = np.stack([np.log(chance / (1 - chance)), np.log(exposure[known]), np.ones(known.sum())], axis=1)
    share = Share(*logistic_regression(inputs, met[known].astype(np.float64), prior=np.array(Share())))
    return share if share.slope > 0 and share.exponent > 0 else Share()
