"""ALS, BPR and nearest neighbours, by the package `implicit`, each with the settings that are tried."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from threadpoolctl import threadpool_limits

from peers.counts import Codes, Counts, Recommend
from tfrs_mtl.evaluation.retrieval import KS

Settings = Mapping[str, Any]

ALS: tuple[Settings, ...] = tuple(
    {"weigh": weigh, "factors": factors, "regularization": regularization, "alpha": alpha}
    for factors in (32, 64)
    for weigh, regularization, alpha in (("once", 1.0, 1.0), ("log", 10.0, 5.0), ("count", 50.0, 1.0))
)
BPR: tuple[Settings, ...] = tuple(
    {"weigh": "once", "factors": factors, "learning_rate": rate, "regularization": 0.01, "iterations": steps}
    for factors in (32, 64)
    for rate, steps in ((0.05, 60), (0.01, 100))
)
KNN: tuple[Settings, ...] = (
    *({"kind": "cosine", "weigh": weigh, "K": k} for weigh in ("once", "log") for k in (100, 400)),
    {"kind": "bm25", "weigh": "count", "K": 200},
)
_SIMILAR = {"cosine": CosineRecommender, "bm25": BM25Recommender}


def als(counts: Counts, settings: Settings, *, seed: int) -> Recommend:
    """Implicit ALS (Hu, Koren, Volinsky, ICDM 2008)."""
    rest = {name: value for name, value in settings.items() if name != "weigh"}
    with threadpool_limits(1, "blas"):  # it warns where BLAS would have more
        model = AlternatingLeastSquares(iterations=10, random_state=seed, **rest)
    return _fitted(model, counts, settings)


def bpr(counts: Counts, settings: Settings, *, seed: int) -> Recommend:
    """BPR (Rendle et al., UAI 2009)."""
    rest = {name: value for name, value in settings.items() if name != "weigh"}
    return _fitted(BayesianPersonalizedRanking(random_state=seed, **rest), counts, settings)


def item_knn(counts: Counts, settings: Settings, *, seed: int) -> Recommend:
    """Item-to-item neighbours (Sarwar et al., WWW 2001); the seed has no say."""
    return _fitted(_SIMILAR[settings["kind"]](K=settings["K"]), counts, settings)


def _fitted(model: Any, counts: Counts, settings: Settings) -> Recommend:
    matrix = counts.weighed[settings["weigh"]]
    # Its own threads do the work; BLAS' beside them take it from them.
    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own weights, which are no CSR
        model.fit(matrix, show_progress=False)

    def recommend(queries: Codes, only_new: bool) -> Codes:
        with threadpool_limits(1, "blas"):
            found, _ = model.recommend(
                queries, matrix[queries], N=max(KS), filter_already_liked_items=only_new
            )
        return np.asarray(found, np.int64)

    return recommend
