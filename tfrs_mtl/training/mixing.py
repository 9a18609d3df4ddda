"""Fitting the mixer: what the queries met in the validation window, among their candidates at its start."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.mixing import Mixer, standing_at
from tfrs_mtl.mixing.mixer import mixer_of, scale_of
from tfrs_mtl.models import Models
from tfrs_mtl.scoring import Scorer, to_snapshot
from tfrs_mtl.scoring.mix import candidate_pairs
from tfrs_mtl.training.listwise import Lists, fit_lists, ndcg
from tfrs_mtl.training.prepare import TrainingSets

log = logging.getLogger(__name__)

_PAIRS = 1_500_000  # some 400 MB of signals
_QUERIES_A_BLOCK = 256
_CANDIDATES = 200
_HELD_OUT = 5  # one query in so many chooses the epoch
_FEWEST = 50  # met pairs; from fewer there is nothing to learn

Floats = NDArray[np.float32]


def with_mixer(shop: Shop, sets: TrainingSets, models: Models, *, seed: int) -> Models:
    """Return the models with a mixer where the spec asks for one and there is enough to learn from."""
    if models.retrieval.retrieval.mix == "none":
        return models
    return replace(models, mixer=fit_mixer(shop, sets, models, seed=seed))


def fit_mixer(shop: Shop, sets: TrainingSets, models: Models, *, seed: int) -> Mixer | None:
    """Return a mixer for the towers of these models; None where it is no better than the towers' own order.

    It is the network of ``training/listwise.py``; the epoch is the one that is best on a fifth of the
    queries, which the network does not learn from. The towers have not learnt from the window, so
    their scores are as honest as they will be afterwards.
    """
    scorer = Scorer(
        schema=shop.schema,
        models=replace(models, mixer=None),
        items=to_snapshot(models, sets.moment.items),
        candidates=_CANDIDATES,
        k=1,
        weights=shop.schema.spec.weights,
        standing=standing_at(shop, sets.moment.at),
    )
    owners, signals, met = _rows(scorer, sets, seed)
    held = owners % _HELD_OUT == 0
    if min(met[held].sum(), met[~held].sum()) < _FEWEST:
        return None
    mean, deviation = scale_of(signals)
    lists = Lists.of(owners, Mixer(mean, deviation, (), ()).standardised(signals), met)
    held = lists.owners % _HELD_OUT == 0
    mixer = mixer_of(mean, deviation, fit_lists(lists, held_out=held, seed=seed))
    mixed, towers = (
        ndcg(lists, order)[held].mean() for order in (mixer.raw(lists.signals), lists.signals[:, 0])
    )
    log.info("candidates held out: NDCG %.4f mixed, %.4f by the towers alone", mixed, towers)
    return mixer if mixed > towers else None


def _rows(
    scorer: Scorer, sets: TrainingSets, seed: int
) -> tuple[NDArray[np.int64], Floats, NDArray[np.bool_]]:
    """Return owner, signals and label of the candidates of as many queries as memory bears."""
    order = np.random.default_rng(seed).permutation(len(sets.truth.queries)).astype(np.int64)
    owners, signals, met, total = [], [], [], 0
    for start in range(0, len(order), _QUERIES_A_BLOCK):
        chosen = order[start : start + _QUERIES_A_BLOCK]
        queries = scorer.encode(sets.moment.queries.take(chosen))
        pairs = candidate_pairs(scorer, queries, _CANDIDATES)
        owners.append(chosen[pairs.query_rows])
        signals.append(pairs.signals)
        met.append(sets.truth.relevant.contains(owners[-1], pairs.item_rows))
        total += len(owners[-1])
        if total > _PAIRS:
            break
    return np.concatenate(owners), np.concatenate(signals), np.concatenate(met)
