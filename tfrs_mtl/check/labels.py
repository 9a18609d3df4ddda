"""What the labels hold in each window of the split, and whether there is something to learn from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.dataset.interactions import Interactions
from tfrs_mtl.dataset.ranking_rows import known_labels
from tfrs_mtl.dataset.windows import Window, split_windows
from tfrs_mtl.errors import Problem
from tfrs_mtl.schema import Schema
from tfrs_mtl.spec import Spec, Task, duration_text

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class TaskFacts:
    """What one task has to learn from in one window.

    Attributes:
        labels: rows with a known label, under the task's condition and after its delay.
        positives: how many of them are above 0.
        mean: their mean; NaN where there is none.
        least, most: the range of the labels; NaN where there is none.
        distinct: how many different labels there are.
    """

    name: str
    kind: str
    labels: int
    positives: int
    mean: float
    least: float
    most: float
    distinct: int


@dataclass(frozen=True)
class WindowFacts:
    """One window of the split: how many interactions it holds, and what each task finds there."""

    name: str
    rows: int
    tasks: tuple[TaskFacts, ...]


def window_facts(schema: Schema, interactions: Interactions) -> tuple[WindowFacts, ...]:
    """Return the facts of the training, validation and test windows, for tasks with readable labels."""
    windows = split_windows(schema.spec.split, interactions)
    named = (("train", windows.train), ("validation", windows.validation), ("test", windows.test))
    tasks = _readable(schema)
    return tuple(_facts(name, window, interactions, tasks) for name, window in named)


def _readable(schema: Schema) -> tuple[Task, ...]:
    """Return the tasks whose label, and whose conditions' labels, can be read."""
    held = {c.name for c in schema.labels}
    tasks = {task.name: task for task in schema.spec.ranking.tasks}

    def is_readable(task: Task) -> bool:
        return task.label in held and (task.when is None or is_readable(tasks[task.when]))

    return tuple(task for task in tasks.values() if is_readable(task))


def _facts(name: str, window: Window, interactions: Interactions, tasks: tuple[Task, ...]) -> WindowFacts:
    inside = window.of(interactions)
    labels = known_labels(
        tasks,
        {task.name: inside.labels[task.label] for task in tasks},
        np.arange(len(inside)),
        np.zeros(len(inside), bool),
        times=inside.times,
        known_by=window.end,
    )
    return WindowFacts(name, len(inside), tuple(_task_facts(task, labels[task.name]) for task in tasks))


def _task_facts(task: Task, labels: NDArray[np.float32]) -> TaskFacts:
    known = labels[~np.isnan(labels)].astype(np.float64)
    if len(known) == 0:
        return TaskFacts(task.name, task.kind, 0, 0, np.nan, np.nan, np.nan, 0)
    positives = int((known > 0).sum())
    return TaskFacts(
        task.name,
        task.kind,
        len(known),
        positives,
        float(known.mean()),
        float(known.min()),
        float(known.max()),
        len(np.unique(known)),
    )


def label_problems(
    schema: Schema, interactions: Interactions, windows: Sequence[WindowFacts], *, file: str
) -> Iterator[Problem]:
    """Yield what would keep a model from learning, or an evaluation from judging."""
    spec = schema.spec
    yield from _window_problems(spec, interactions, windows, file=file)
    train = windows[0]
    if train.rows == 0:
        return
    positions = {task.name: n for n, task in enumerate(spec.ranking.tasks)}
    for facts in train.tasks:
        where = f"{file}: ranking.tasks.{positions[facts.name]}.label"
        task = spec.ranking.tasks[positions[facts.name]]
        yield from _task_problems(spec, task, facts, where)
        yield from _later_hints(task, windows[1:], where)


def _window_problems(
    spec: Spec, interactions: Interactions, windows: Sequence[WindowFacts], *, file: str
) -> Iterator[Problem]:
    span = f"the interactions span {_date(interactions.times[0])} to {_date(interactions.times[-1])}"
    bounds = (spec.split.validation, spec.split.test, spec.split.end)
    texts = (
        f"before {_text(bounds[0])}",
        f"from {_text(bounds[0])} to {_text(bounds[1])}",
        f"from {_text(bounds[1])}" + (f" to {_text(bounds[2])}" if bounds[2] else ""),
    )
    keys = ("validation", "validation", "test")
    for window, key, text in zip(windows, keys, texts, strict=True):
        if window.rows == 0:
            yield Problem(f"{file}: split.{key}", f"the {window.name} window, {text}, is empty: {span}")


def _date(micros: int) -> str:
    return _text(_EPOCH + timedelta(microseconds=int(micros)))


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d" if moment.time() == datetime.min.time() else "%Y-%m-%d %H:%M")


def _task_problems(spec: Spec, task: Task, facts: TaskFacts, where: str) -> Iterator[Problem]:
    """Yield what is wrong with a task's labels in the training window."""
    condition = f" given {task.when!r}" if task.when else ""
    condition += " and after its delay" if task.delay else ""
    many = f"{facts.labels:,} labels of the training window{condition}"
    if facts.labels == 0:
        yield Problem(where, f"{task.label!r} has no known label in the training window{condition}")
    elif task.kind != "binary":
        if facts.least == facts.most:
            what = f"{task.label!r} is {facts.least:g} in all {many}"
            yield Problem(where, f"{what}: there is nothing to learn")
    elif facts.positives == 0:
        yield Problem(where, f"{task.label!r} has no positive among {many}")
    elif facts.positives == facts.labels:
        what = f"{task.label!r} is positive in all {many}"
        if task.when is not None:
            yield Problem(where, f"{what}: there is nothing to learn", "hint")
        elif spec.ranking.negatives is None:
            remedy = "sample some with `ranking.negatives: {popular: 3, uniform: 1}`"
            yield Problem(where, f"{what}, and there are no negatives: {remedy}")


def _later_hints(task: Task, windows: Sequence[WindowFacts], where: str) -> Iterator[Problem]:
    """Yield a hint for each later window in which a task cannot be judged."""
    for window in windows:
        facts = next(facts for facts in window.tasks if facts.name == task.name)
        if window.rows and facts.labels == 0:
            why = f": none is known {duration_text(task.delay)} before it ends" if task.delay else ""
            what = f"{task.label!r} has no label in the {window.name} window{why}"
            yield Problem(where, f"{what}; the task is not judged there", "hint")
