"""The whole training of a shop: sets, both models, the bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue
from rich.console import Console

from tfrs_mtl.bundle import Bundle, BundleStore
from tfrs_mtl.bundle.contents import Contents, types_of
from tfrs_mtl.dataset.frames import Frame
from tfrs_mtl.dataset.interactions import microseconds
from tfrs_mtl.dataset.shop import Shop, open_shop
from tfrs_mtl.index import ExactIndex, recall_at
from tfrs_mtl.models import Models, retrieval_model
from tfrs_mtl.project import Project
from tfrs_mtl.scoring import ItemSnapshot, read_snapshot, standing_for
from tfrs_mtl.training.fitting import VALIDATION_METRIC, fit_ranking, fit_retrieval
from tfrs_mtl.training.history import History
from tfrs_mtl.training.mixing import with_mixer
from tfrs_mtl.training.prepare import prepare
from tfrs_mtl.training.progress import print_title
from tfrs_mtl.training.shares import fit_shares
from tfrs_mtl.versions import versions

_POPULAR_DAYS = 28
_MICROSECONDS_A_DAY = 86_400_000_000
_PROBES = 256
_NEIGHBOURS = 100


@dataclass(frozen=True)
class TrainReport:
    """What a training made: the bundle, and each model's history."""

    bundle: Bundle
    retrieval: History
    ranking: History


def train(project: Project, *, seed: int, now: datetime, progress: Console | None = None) -> TrainReport:
    """Train both models, stopped by the validation window, and write them as a bundle (not promoted).

    A training of the same data, spec and seed that was killed goes on from its last whole epoch.

    Args:
        seed: of everything random.
        now: the time of writing; items are snapshotted as of the data's present, at most ``now``.
    """
    shop = open_shop(project.repo, project.schema)
    sets = prepare(shop, seed=seed)
    runs = project.runs / f"seed-{seed}"
    retrieval = retrieval_model(sets.preprocessor, project.spec.retrieval)
    print_title(progress, "retrieval")
    found = fit_retrieval(sets, retrieval, seed=seed, directory=runs / "retrieval", progress=progress)
    print_title(progress, "ranking")
    ranking, ranked = fit_ranking(
        sets, project.spec.ranking, seed=seed, directory=runs / "ranking", progress=progress
    )
    models = Models(sets.preprocessor, retrieval, ranking)
    models = with_mixer(shop, sets, models, seed=seed)
    models = replace(models, shares=fit_shares(shop, sets, models, seed=seed))
    metrics: dict[str, JsonValue] = {
        VALIDATION_METRIC: _best(found),
        "ranking": _best(ranked),
        "histories": {"retrieval": found.to_json(), "ranking": ranked.to_json()},
    }
    queries = sets.moment.queries.slice(0, _PROBES)
    bundle = write_bundle(
        project, shop, models, seed=seed, now=now, metrics={"validation": metrics}, probes=queries
    )
    return TrainReport(bundle, found, ranked)


def write_bundle(
    project: Project,
    shop: Shop,
    models: Models,
    *,
    seed: int,
    now: datetime,
    metrics: Mapping[str, JsonValue],
    probes: Frame | None = None,
) -> Bundle:
    """Snapshot the items as of the data's present and write everything as one bundle.

    Args:
        metrics: what the manifest is to say of the models' quality.
        probes: queries by which the recall of an approximate index is measured, for the manifest.
    """
    at = shop.present(now)
    known = shop.items.known(microseconds(at))
    items = read_snapshot(
        project.repo, shop.schema, models, shop.items.keys.slice(0, known), at=microseconds(at)
    )
    popularity = popularity_of_late(shop, at=microseconds(at))[:known]
    standing = standing_for(models, shop, microseconds(at))
    contents = Contents(models, items, popularity, shop.exposure(microseconds(at)), standing)
    if probes is not None and project.spec.retrieval.index != "exact":
        metrics = {**metrics, "index": {f"recall@{_NEIGHBOURS}": _index_recall(models, items, probes)}}
    content: dict[str, Any] = project.spec.model_dump(mode="json")
    return BundleStore(project.bundles).write(
        fill=contents.save,
        name=project.spec.name,
        created=now,
        at=at,
        seed=seed,
        versions=versions(),
        spec=content,
        types=types_of(shop.schema),
        metrics=metrics,
    )


def _index_recall(models: Models, items: ItemSnapshot, queries: Frame) -> float:
    exact = ExactIndex.build(models.retrieval.encode_items(items.arrays))
    vectors = models.retrieval.encode_queries(models.preprocessor.encode("query", queries))
    return round(recall_at(items.index, exact, vectors, _NEIGHBOURS), 4)


def popularity_of_late(shop: Shop, *, at: int) -> NDArray[np.float32]:
    """Return how often each item was met in the 28 days before a moment, [items]."""
    past = shop.past
    recent = (past.times < at) & (past.times >= at - _POPULAR_DAYS * _MICROSECONDS_A_DAY)
    chosen = past.items[recent] if recent.any() else past.items[past.times < at]
    return np.bincount(chosen, minlength=len(shop.items)).astype(np.float32)


def _best(history: History) -> float:
    return history.epochs[history.best - 1].metric
