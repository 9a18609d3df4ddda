"""Boosted trees, a model a task (LightGBM), stopped by the validation window."""

from __future__ import annotations

import lightgbm
import numpy as np
from numpy.typing import NDArray

from peers.columns import ids, known, numbers
from tfrs_mtl import spec
from tfrs_mtl.training.prepare import RankingSet, TrainingSets

TREES = {"num_leaves": 63, "learning_rate": 0.1, "verbose": -1, "deterministic": True, "force_row_wise": True}
ROUNDS, PATIENCE = 400, 20


def boosted(
    sets: TrainingSets, test: RankingSet, tasks: tuple[spec.Task, ...], *, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Return task -> predictions of the test rows."""
    train, validation, judged = (
        np.hstack([numbers(rows), ids(rows)]) for rows in (sets.ranking, sets.validation, test)
    )
    found = {}
    for task in tasks:
        own = {**TREES, "objective": task.kind, "seed": seed, "num_threads": 2}
        data = []
        for values, rows in ((train, sets.ranking), (validation, sets.validation)):
            labels, there = known(rows, task.name)
            data.append(lightgbm.Dataset(values[there], labels[there]))
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        booster = lightgbm.train(own, data[0], ROUNDS, valid_sets=data[1:], callbacks=[stop])
        found[task.name] = booster.predict(judged)
    return found
