"""How good the ranking is for whom and for what: by what was known of query and item before the window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.dataset.ranking_rows import RankingRows
from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.evaluation import binary_metrics, regression_metrics

_HEAD = 0.8


class Cohort(NamedTuple):
    """One cohort's figure of a task.

    Attributes:
        metric: ``auc`` or ``rmse``; ``value`` is NaN where it has no meaning.
        rows: with a label.
    """

    cohort: str
    task: str
    metric: str
    value: float
    rows: int


def cohorts(shop: Shop, rows: RankingRows, predictions: Mapping[str, NDArray[np.float32]]) -> list[Cohort]:
    """Judge each task by cohort of the query (new, light, heavy) and of the item (new, tail, head).

    All by the positive interactions before the test window: new had none; a light query at most the median of
    the others; head items are the most popular that make 80 % of the interactions.
    """
    found = []
    for name, inside in _members(shop, rows):
        for task in shop.schema.spec.ranking.tasks:
            labels = np.where(inside, rows.labels[task.name], np.float32(np.nan))
            given = predictions[task.name]
            if task.kind == "binary":
                told = binary_metrics(labels, given, queries=rows.queries)
                found.append(Cohort(name, task.name, "auc", told.auc, told.rows))
            elif task.kind != "multiclass":
                errors = regression_metrics(labels, given)
                found.append(Cohort(name, task.name, "rmse", errors.rmse, errors.rows))
    return found


def _members(shop: Shop, rows: RankingRows) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield each cohort's name and whether each row is in it, [rows]."""
    before = shop.past.times < shop.windows.bounds[-1]
    met = np.bincount(shop.past.queries[before], minlength=len(shop.queries))
    median = np.median(met[met > 0]) if met.any() else 0
    count = met[rows.queries]
    yield "query: new", count == 0
    yield "query: light", (count > 0) & (count <= median)
    yield "query: heavy", count > median
    sold = np.bincount(shop.past.items[before], minlength=len(shop.items))
    least = least_of_head(sold)
    count = sold[rows.items]
    yield "item: new", count == 0
    yield "item: tail", (count > 0) & (count < least)
    yield "item: head", count >= least


def least_of_head(counts: NDArray[np.int64]) -> int:
    """Return how often the last of the most popular items was met that make 80 % together; at least 1."""
    falling = np.sort(counts)[::-1]
    place = int(np.searchsorted(np.cumsum(falling), _HEAD * counts.sum()))
    return max(int(falling[min(place, len(falling) - 1)]), 1) if len(falling) else 1
