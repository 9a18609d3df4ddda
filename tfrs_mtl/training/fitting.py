"""Fitting each model on the training sets: what it learns from, and by what it is stopped."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from tfrs_mtl import spec
from tfrs_mtl.evaluation.ranking import mean_quality
from tfrs_mtl.evaluation.retrieval import TowerContender, judge
from tfrs_mtl.models import ranking_model
from tfrs_mtl.ranking.calibrations import calibration_of
from tfrs_mtl.ranking.model import RankingModel
from tfrs_mtl.ranking.statistics import label_statistics, learnt_rows
from tfrs_mtl.retrieval.model import RetrievalModel
from tfrs_mtl.training.fingerprint import fingerprint
from tfrs_mtl.training.fit import fit
from tfrs_mtl.training.history import History
from tfrs_mtl.training.observing import task_figures
from tfrs_mtl.training.prepare import RankingSet, TrainingSets

VALIDATION_METRIC = "ndcg@50"
_ROWS_A_BLOCK = 65_536
_LEAST = 1e-7  # float32 knows no chances nearer to 0 and 1


def fit_retrieval(
    sets: TrainingSets, model: RetrievalModel, *, seed: int, directory: Path, progress: Console | None
) -> History:
    """Fit a two-tower model, stopped by the validation window's NDCG@50, of all and of new items in the mean.

    By all alone it would go on as long as repeats get better, and new items pay for it. Where a query meets
    nothing new in the window, all decides.
    """
    contender = TowerContender.prepare(model, sets.preprocessor, sets.moment)

    def validate() -> float:
        catalogue = len(sets.moment.items)
        found = [
            judge(contender, sets.truth, catalogue=catalogue, only_new=only_new).means()[VALIDATION_METRIC]
            for only_new in (False, True)
        ]
        return float(np.mean([value for value in found if np.isfinite(value)] or [np.nan]))

    return fit(
        model,
        sets.retrieval,
        settings=model.retrieval.training,
        seed=seed,
        validate=validate,
        directory=directory,
        fingerprint=fingerprint(model.retrieval, model.model_inputs, sets.retrieval),
        progress=progress,
    )


def fit_ranking(
    sets: TrainingSets, ranking: spec.Ranking, *, seed: int, directory: Path, progress: Console | None
) -> tuple[RankingModel, History]:
    """Make and fit a ranking model, stopped by ``mean_quality`` of its tasks in the validation window.

    Where the validation window can judge no task (delayed labels come too late), the training window does.
    """
    statistics = label_statistics(sets.ranking.rows.labels, ranking.tasks)
    model = ranking_model(sets.preprocessor, ranking, statistics=statistics)

    def quality(rows: RankingSet) -> float:
        return mean_quality(ranking.tasks, rows.rows.labels, predict(model, rows))

    def validate() -> float:
        found = quality(sets.validation)
        return found if np.isfinite(found) else quality(sets.ranking)

    history = fit(
        model,
        sets.ranking.examples,
        settings=ranking.training,
        seed=seed,
        validate=validate,
        directory=directory,
        fingerprint=fingerprint(ranking, model.model_inputs, sets.ranking.examples),
        observe=partial(task_figures, model),
        progress=progress,
    )
    calibrate(model, sets.validation)
    return model, history


def calibrate(model: RankingModel, rows: RankingSet) -> None:
    """Calibrate each binary task by rows that the model has not learnt from."""
    predicted = predict(model, rows)
    for task in model.ranking.tasks:
        if task.kind == "binary":
            known = learnt_rows(rows.rows.labels, task)
            chance = np.clip(predicted[task.name][known].astype(np.float64), _LEAST, 1 - _LEAST)
            labels = rows.rows.labels[task.name][known].astype(np.float64)
            logits, times = np.log(chance / (1 - chance)), rows.rows.times[known]
            found = calibration_of(model.ranking.calibration, logits, labels, times)
            model.heads[task.name].calibrate(found)


def predict(model: RankingModel, rows: RankingSet) -> dict[str, NDArray[np.float32]]:
    """Return what a model's call does, for all rows of a set: task or class -> [n]."""
    size = rows.examples.size
    parts = [
        model.predict(rows.examples.gather(start, min(start + _ROWS_A_BLOCK, size)))
        for start in range(0, max(size, 1), _ROWS_A_BLOCK)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
