"""Everything that the report says of a bundle, gathered from the test window."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfrs_mtl.bundle import Bundle
from tfrs_mtl.bundle.manifest import Manifest
from tfrs_mtl.dataset.examples import Arrays
from tfrs_mtl.dataset.shop import Shop, open_shop
from tfrs_mtl.evaluation import with_intervals
from tfrs_mtl.evaluation.retrieval import read_moment
from tfrs_mtl.evaluation.truth import truth_of
from tfrs_mtl.models import Models
from tfrs_mtl.project import Project
from tfrs_mtl.ranking.gates import gates_of
from tfrs_mtl.report.cohorts import Cohort, cohorts
from tfrs_mtl.report.curves import TaskCurves, curves_of
from tfrs_mtl.report.examples import Example, examples
from tfrs_mtl.report.importance import permutation_importance
from tfrs_mtl.scoring import Scorer, standing_for, to_snapshot
from tfrs_mtl.scoring.explain import names_for_people
from tfrs_mtl.training.comparison import evaluate
from tfrs_mtl.training.fitting import predict
from tfrs_mtl.training.prepare import RankingSet, ranking_set

_ROWS = 20_000


@dataclass(frozen=True)
class Report:
    """What the page shows.

    Attributes:
        retrieval, ranking: as ``tfrs-mtl evaluate`` wrote them; intervals as ``value``, ``low``, ``high``.
        importance: feature -> task -> loss of quality.
        gates: task -> mean share of each expert; empty where the architecture mixes none.
        has_peers: whether models were trained to compare with.
    """

    manifest: Manifest
    retrieval: Mapping[str, Any]
    ranking: Mapping[str, Any]
    curves: tuple[TaskCurves, ...]
    cohorts: tuple[Cohort, ...]
    importance: Mapping[str, Mapping[str, float]]
    gates: Mapping[str, tuple[float, ...]]
    examples: tuple[Example, ...]
    has_peers: bool

    @property
    def histories(self) -> Mapping[str, Any]:
        """Model -> its training, epoch by epoch."""
        validation: Any = self.manifest.metrics.get("validation", {})
        return dict(validation.get("histories", {}))


def gather(project: Project, bundle: Bundle, models: Models, *, seed: int, evaluated: Path) -> Report:
    """Judge a bundle on the test window, in every way that the page shows.

    Args:
        seed: of the sampled negatives and of what is shuffled.
        evaluated: what ``tfrs-mtl evaluate`` wrote for this bundle; where it did not, the bundle is judged
            here, without the peers that would have to be trained.
    """
    shop = open_shop(project.repo, project.schema)
    if evaluated.exists():
        told = json.loads(evaluated.read_text())
    else:
        found = evaluate(project, models, seed=seed, peers=False)
        told = {"retrieval": with_intervals(found.retrieval), "ranking": with_intervals(found.ranking)}
    test = ranking_set(shop, models.preprocessor, shop.windows.test, seed=seed + 2)
    predicted = predict(models.ranking, test)
    some = _some(test, seed)
    few = {task: values[some] for task, values in test.rows.labels.items()}
    arrays = _gathered(test, some)
    people = names_for_people(shop.schema)
    importance = permutation_importance(
        models.ranking, models.preprocessor, arrays, few, seed=seed, names=people
    )
    return Report(
        manifest=bundle.manifest,
        retrieval=told["retrieval"],
        ranking=told["ranking"],
        curves=_curves(shop, test, predicted),
        cohorts=tuple(cohorts(shop, test.rows, predicted)),
        importance=importance,
        gates=gates_of(models.ranking, arrays),
        examples=_examples(shop, models),
        has_peers=any("single_task" in contenders for contenders in told["ranking"].values()),
    )


def _some(test: RankingSet, seed: int) -> np.ndarray:
    chosen = np.random.default_rng(seed).permutation(len(test.rows))[:_ROWS]
    return np.sort(chosen)


def _gathered(test: RankingSet, rows: np.ndarray) -> Arrays:
    return {
        name: array[rows if block.rows is None else block.rows[rows]]
        for block in test.examples.blocks
        for name, array in block.arrays.items()
    }


def _curves(shop: Shop, test: RankingSet, predicted: Mapping[str, Any]) -> tuple[TaskCurves, ...]:
    found = (
        curves_of(
            task.name, test.rows.labels[task.name], predicted[task.name], is_binary=task.kind == "binary"
        )
        for task in shop.schema.spec.ranking.tasks
        if task.kind != "multiclass"
    )
    return tuple(curves for curves in found if curves is not None)


def _examples(shop: Shop, models: Models) -> tuple[Example, ...]:
    truth = truth_of(shop, shop.windows.test)
    moment = read_moment(shop, truth)
    spec = shop.schema.spec
    scorer = Scorer(
        schema=shop.schema,
        models=models,
        items=to_snapshot(models, moment.items),
        candidates=spec.batch.candidates,
        k=spec.batch.k,
        weights=spec.weights,
        exposure=shop.exposure(moment.at),
        standing=standing_for(models, shop, moment.at),
    )
    return examples(shop, scorer, truth, moment)
