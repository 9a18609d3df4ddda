"""Which values a task's labels, and the weights of its rows, may have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tfrs_mtl.check.labels import TaskFacts, WindowFacts
from tfrs_mtl.dataset.interactions import Interactions
from tfrs_mtl.dataset.ranking_rows import unfit_weights
from tfrs_mtl.errors import Problem
from tfrs_mtl.schema import Schema
from tfrs_mtl.spec import Task

_MOST_CLASSES = 100
_LOWEST = {"poisson": "0 and above", "zero_inflated_lognormal": "0 and above", "lognormal": "above 0"}


def value_problems(
    schema: Schema, interactions: Interactions, windows: Sequence[WindowFacts], *, file: str
) -> Iterator[Problem]:
    """Yield what no head of the task's kind can learn: of all rows, then of those that it learns from."""
    for position, task in enumerate(schema.spec.ranking.tasks):
        weights = interactions.labels.get(task.weight_by) if task.weight_by is not None else None
        if weights is not None and (strange := unfit_weights(weights)) is not None:
            yield Problem(f"{file}: ranking.tasks.{position}.weight_by", f"{task.weight_by!r} {strange}")
        where = f"{file}: ranking.tasks.{position}.label"
        if task.label in interactions.labels:
            found = _strange(task, interactions)
            if found is not None:
                yield Problem(where, found)
                continue
        for window in windows:
            facts = next((f for f in window.tasks if f.name == task.name), None)
            found = _unfit(task, facts, window.name) if facts is not None and facts.labels else None
            if found is not None:
                yield Problem(where, found)
                break


def _strange(task: Task, interactions: Interactions) -> str | None:
    """Say what is no 0 or 1 in a binary label, and what is no number in any other."""
    values = np.unique(interactions.labels[task.label])
    values = values[~np.isnan(values)]
    if task.kind == "binary":
        strange = values[(values != 0) & (values != 1)]
        shown = ", ".join(f"{value:g}" for value in strange[:3])
        return f"{task.label!r} holds {shown}; a binary task takes 0, 1 and null" if len(strange) else None
    if len(values) and not np.isfinite(values).all():
        return f"{task.label!r} holds infinite values; numbers and null were expected"
    return None


def _unfit(task: Task, facts: TaskFacts, window: str) -> str | None:
    """Say what the rows of one window that teach or judge a task hold, and it does not take."""
    if task.head in _LOWEST:
        is_below = facts.least < 0 or (facts.least == 0 and task.head == "lognormal")
        rows = f"in the {window} window" + (f" given {task.when!r}" if task.when else "")
        what = f"{task.label!r} is as low as {facts.least:g} {rows}; `loss: {task.head}` takes"
        return f"{what} {_LOWEST[task.head]}" if is_below else None
    if task.has_classes and facts.distinct > _MOST_CLASSES:
        what = f"{task.label!r} has {facts.distinct:,} distinct values in the {window} window"
        return f"{what}; `kind: {task.kind}` takes at most {_MOST_CLASSES}: is it a regression?"
    return None
