"""Logistic regression, and ridge for amounts: a model a task, on standardised numbers and one-hot ids."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from peers.columns import ids, known, numbers
from tfrs_mtl import spec
from tfrs_mtl.training.prepare import RankingSet, TrainingSets

STRENGTHS = (0.03, 0.3)
"""Of the regularisation, as 1 / (2 strength) |w|^2; the validation window chooses."""
RARE = 20
"""Ids of fewer rows are one."""


def linear(
    sets: TrainingSets, test: RankingSet, tasks: tuple[spec.Task, ...], *, seed: int
) -> tuple[dict[str, NDArray[np.float64]], int]:
    """Return task -> predictions of the test rows, and how many parameters all models have."""
    scale = StandardScaler().fit(numbers(sets.ranking))
    code = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RARE).fit(ids(sets.ranking))
    train, validation, judged = (
        sparse.hstack([scale.transform(numbers(rows)), code.transform(ids(rows))], format="csr")
        for rows in (sets.ranking, sets.validation, test)
    )
    found = {}
    for task in tasks:
        labels, there = known(sets.ranking, task.name)
        models = [_model(task, strength, seed).fit(train[there], labels[there]) for strength in STRENGTHS]
        labels, there = known(sets.validation, task.name)
        losses = [_loss(task, labels[there], _predicted(task, m, validation[there])) for m in models]
        found[task.name] = _predicted(task, models[int(np.argmin(losses))], judged)
    return found, len(tasks) * (train.shape[1] + 1)


def _model(task: spec.Task, strength: float, seed: int) -> Any:
    if task.kind == "binary":
        return LogisticRegression(C=strength, solver="lbfgs", max_iter=200, random_state=seed)
    return Ridge(alpha=0.5 / strength, solver="sparse_cg", random_state=seed)


def _predicted(task: spec.Task, model: Any, values: Any) -> NDArray[np.float64]:
    return model.predict_proba(values)[:, 1] if task.kind == "binary" else model.predict(values)


def _loss(task: spec.Task, labels: Any, predicted: Any) -> float:
    judge = log_loss if task.kind == "binary" else mean_squared_error
    return float(judge(labels, predicted))
