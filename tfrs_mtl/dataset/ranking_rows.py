"""The ranking model's rows: interactions of a window, their labels, and sampled negatives beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.negatives import sample_negatives
from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.dataset.windows import Window
from tfrs_mtl.errors import DataError
from tfrs_mtl.spec import Task

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class RankingRows:
    """n rows of (query, item, time), each row's negatives right after it.

    Attributes:
        queries, items: codes, [n].
        times: microseconds, [n].
        labels: task -> float32 [n], NaN where there is none to learn from.
        context: feature name -> [n]; a negative has the context of the row it stands beside.
        weights: task -> float32 [n], of the tasks with ``weight_by``.
    """

    queries: Ints
    items: Ints
    times: Ints
    labels: Mapping[str, Floats]
    context: Mapping[str, pa.Array]
    weights: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.times)


def ranking_rows(shop: Shop, window: Window, *, seed: int, sample: int | None = None) -> RankingRows:
    """Return a window's rows.

    With ``ranking.negatives`` the positives of the window and negatives drawn for them; without, all its
    interactions as they are. ``sample`` keeps at most so many interactions, drawn with the seed.
    """
    spec = shop.schema.spec
    kept = _chosen(shop, window, seed=seed, sample=sample)
    queries, items, times = shop.query_codes[kept], shop.item_codes[kept], shop.interactions.times[kept]
    found = {task.name: shop.interactions.labels[task.label][kept] for task in spec.ranking.tasks}
    source = np.arange(len(kept))
    is_drawn = np.zeros(len(kept), bool)
    if spec.ranking.negatives is not None:
        drawn = sample_negatives(
            shop.past,
            queries=queries,
            times=times,
            negatives=spec.ranking.negatives,
            bounds=shop.windows.bounds,
            seed=seed,
        )
        source = np.concatenate([source, drawn.rows])
        is_drawn = np.concatenate([is_drawn, np.ones(len(drawn.rows), bool)])
        items = np.concatenate([items, drawn.items])
        order = np.argsort(source, kind="stable")
        source, is_drawn, items = source[order], is_drawn[order], items[order]
    times = times[source]
    labels = known_labels(spec.ranking.tasks, found, source, is_drawn, times=times, known_by=window.end)
    beside = pa.array(kept[source])
    context = {name: column.take(beside) for name, column in shop.interactions.context.items()}
    weights = {
        task.name: row_weights(shop.interactions.labels[task.weight_by][kept], source, is_drawn, task=task)
        for task in spec.ranking.tasks
        if task.weight_by is not None
    }
    return RankingRows(queries[source], items, times, labels, context, weights)


def row_weights(found: Floats, source: Ints, is_drawn: NDArray[np.bool_], *, task: Task) -> Floats:
    """Return what each row weighs in a task's loss, [n]: 1 where that is null, and of a drawn negative.

    Raises:
        DataError: a weight is negative or infinite.
    """
    strange = unfit_weights(found)
    if strange is not None:
        raise DataError(f"task {task.name!r}: weight_by {task.weight_by!r} {strange}")
    weights = np.where(is_drawn | np.isnan(found[source]), 1, found[source])
    return weights.astype(np.float32)


def unfit_weights(values: Floats) -> str | None:
    """Say what is no weight among values, NaN where null."""
    strange = values[(values < 0) | np.isinf(values)]
    return f"holds {strange[0]:g}; 0, numbers above and null were expected" if len(strange) else None


def slates_of(rows: RankingRows) -> NDArray[np.int32]:
    """Return the slate of each row, [n]: what one query met at one time, and the negatives beside it."""
    _, moments = np.unique(rows.times, return_inverse=True)
    width = int(moments.max(initial=0)) + 1
    _, slates = np.unique(rows.queries * width + moments, return_inverse=True)
    return np.asarray(slates, np.int32)


def _chosen(shop: Shop, window: Window, *, seed: int, sample: int | None) -> Ints:
    times = shop.interactions.times
    inside = (times >= (times[0] if window.start is None else window.start)) & (times < window.end)
    if shop.schema.spec.ranking.negatives is not None:
        inside &= shop.is_positive
    kept = np.flatnonzero(inside)
    if sample is not None and len(kept) > sample:
        kept = np.sort(np.random.default_rng(seed).choice(kept, sample, replace=False))
    return kept


def known_labels(
    tasks: tuple[Task, ...],
    found: Mapping[str, Floats],
    source: Ints,
    is_drawn: NDArray[np.bool_],
    *,
    times: Ints,
    known_by: int,
) -> dict[str, Floats]:
    """Return each task's labels of the rows, NaN where there is none.

    A drawn negative is 0 for binary tasks without a condition, and has no label for the others. A label
    under a condition counts where the condition came true; a delayed one, where its delay had ended by
    ``known_by``.
    """
    labels: dict[str, Floats] = {}
    for task in tasks:
        is_unconditional = task.kind == "binary" and task.when is None
        label = np.where(is_drawn, np.float32(0 if is_unconditional else np.nan), found[task.name][source])
        if task.delay is not None:
            ends = times + int(task.delay.total_seconds() * 1_000_000)
            label = np.where(ends <= known_by, label, np.float32(np.nan))
        if task.kind == "binary":
            label = np.where(np.isnan(label), label, (label > 0).astype(np.float32))
        labels[task.name] = label.astype(np.float32)
    for task in tasks:
        parent, by_name = task.when, {t.name: t for t in tasks}
        while parent is not None:
            labels[task.name] = np.where(labels[parent] == 1, labels[task.name], np.float32(np.nan))
            parent = by_name[parent].when
    return labels
