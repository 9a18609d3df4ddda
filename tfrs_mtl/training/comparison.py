"""Our models beside those they have to beat, on the test window: same rows, same features, same seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from tfrs_mtl.dataset.examples import Examples
from tfrs_mtl.dataset.ranking_rows import RankingRows
from tfrs_mtl.dataset.shop import Shop, open_shop
from tfrs_mtl.evaluation.bootstrap import Interval
from tfrs_mtl.evaluation.ranking import Predictions, compare_ranking, constant_predictions
from tfrs_mtl.evaluation.reliability import Bins, compare_reliability
from tfrs_mtl.evaluation.retrieval import (
    KS,
    CandidateContender,
    Contender,
    Moment,
    PipelineContender,
    TowerContender,
    baseline_contenders,
    compare_retrieval,
    read_moment,
)
from tfrs_mtl.evaluation.truth import truth_of
from tfrs_mtl.models import Models, vanilla_model
from tfrs_mtl.project import Project
from tfrs_mtl.ranking.model import single_task
from tfrs_mtl.scoring import Scorer, standing_for, to_snapshot
from tfrs_mtl.training.fitting import fit_ranking, fit_retrieval, predict
from tfrs_mtl.training.prepare import TrainingSets, prepare, ranking_set
from tfrs_mtl.training.progress import print_title

OURS = "ours"
Comparison = Mapping[str, Mapping[str, Mapping[str, Interval]]]


@dataclass(frozen=True)
class Evaluation:
    """What the test window says.

    Attributes:
        retrieval: ``all`` and ``new`` -> contender -> metric -> value with interval.
        ranking: task -> contender -> metric -> value with interval.
        reliability: binary task -> contender -> bins.
    """

    retrieval: Comparison
    ranking: Comparison
    reliability: Mapping[str, Mapping[str, Bins]]


def evaluate(
    project: Project, models: Models, *, seed: int, peers: bool = True, progress: Console | None = None
) -> Evaluation:
    """Judge models on the test window.

    The contenders in retrieval: ``ours`` (the candidates), ``towers``, ``ours_ranked`` (the candidates,
    ranked), popularity of all the past and of late, the query's own history and, with ``peers``,
    vanilla TFRS. In ranking: ``ours``, the constant mean and, with ``peers``, one model a task. Peers are
    trained here, on the same rows.
    """
    shop = open_shop(project.repo, project.schema)
    # Vanilla TFRS knows no other way to a query's repeats than to learn them: it gets them all.
    sets = prepare(shop, seed=seed, repeats=1.0) if peers else None
    runs = project.runs / f"seed-{seed}"
    retrieval = _retrieval(project, shop, models, sets, seed=seed, directory=runs, progress=progress)
    if sets is not None:
        sets = replace(sets, retrieval=Examples((), 0))  # done with; ranking needs the memory
    tasks = project.spec.ranking.tasks
    rows, ours = _of_test(shop, models, seed=seed)
    rankers: dict[str, Predictions] = {OURS: ours}
    if sets is not None:
        rankers["single_task"] = _single_tasks(
            project, shop, sets, seed=seed, directory=runs, progress=progress
        )
        rankers["constant"] = constant_predictions(tasks, sets.ranking.rows.labels, len(rows))
    ranking = compare_ranking(tasks, rows.labels, rankers, queries=rows.queries, seed=seed)
    return Evaluation(retrieval, ranking, compare_reliability(tasks, rows.labels, rankers))


class _OfTest(NamedTuple):
    """The rows of the test window, and a model's predictions of them."""

    rows: RankingRows
    predictions: Predictions


def _of_test(shop: Shop, models: Models, *, seed: int) -> _OfTest:
    """Predict the test window's rows, and let go of their features."""
    test = ranking_set(shop, models.preprocessor, shop.windows.test, seed=seed + 2)
    return _OfTest(test.rows, predict(models.ranking, test))


def _retrieval(
    project: Project,
    shop: Shop,
    models: Models,
    sets: TrainingSets | None,
    *,
    seed: int,
    directory: Path,
    progress: Console | None,
) -> Comparison:
    truth = truth_of(shop, shop.windows.test)
    moment = read_moment(shop, truth)
    contenders = _retrieval_contenders(shop, models, moment)
    if sets is not None:
        where = directory / "vanilla"
        contenders |= _vanilla(project, sets, moment, seed=seed, directory=where, progress=progress)
    return compare_retrieval(shop, truth, contenders, seed=seed)


def _retrieval_contenders(shop: Shop, models: Models, moment: Moment) -> dict[str, Contender]:
    spec = shop.schema.spec
    scorer = Scorer(
        schema=shop.schema,
        models=models,
        items=to_snapshot(models, moment.items),
        candidates=spec.batch.candidates,
        k=max(KS),
        weights=spec.weights,
        exposure=shop.exposure(moment.at),
        standing=standing_for(models, shop, moment.at),
    )
    return {
        OURS: CandidateContender(scorer, moment),
        "towers": TowerContender.prepare(models.retrieval, models.preprocessor, moment),
        "ours_ranked": PipelineContender(scorer, moment),
        **baseline_contenders(shop),
    }


def _vanilla(
    project: Project,
    sets: TrainingSets,
    moment: Moment,
    *,
    seed: int,
    directory: Path,
    progress: Console | None,
) -> dict[str, Contender]:
    model = vanilla_model(sets.preprocessor, project.spec.retrieval)
    if model is None:
        return {}
    print_title(progress, "peer: vanilla TFRS")
    fit_retrieval(sets, model, seed=seed, directory=directory, progress=progress)
    return {"vanilla_tfrs": TowerContender.prepare(model, sets.preprocessor, moment)}


def _single_tasks(
    project: Project,
    shop: Shop,
    sets: TrainingSets,
    *,
    seed: int,
    directory: Path,
    progress: Console | None,
) -> Predictions:
    # The same rows, but by the preprocessing that these models learnt with: the bundle's may be older.
    test = ranking_set(shop, sets.preprocessor, shop.windows.test, seed=seed + 2)
    predictions: dict[str, NDArray[np.float32]] = {}
    for task in project.spec.ranking.tasks:
        alone = single_task(project.spec.ranking, task.name)
        where = directory / f"single-{task.name}"
        print_title(progress, f"peer: {task.name} alone")
        model, _ = fit_ranking(sets, alone, seed=seed, directory=where, progress=progress)
        predictions |= predict(model, test)
    return predictions
