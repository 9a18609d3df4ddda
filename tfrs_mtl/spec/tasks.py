"""The tasks of the ``ranking`` section: what the multi-task model predicts, and how it learns it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from tfrs_mtl.errors import closest, nearest
from tfrs_mtl.spec._base import Contradiction, Duration, Identifier, Name, Section, refuse

RegressionLoss = Literal["squared", "huber", "lognormal", "zero_inflated_lognormal", "poisson"]


class Task(Section):
    """One thing to predict of a (query, item, time)."""

    name: Identifier = Field(description="What `when`, `objective` and the results call it.")
    kind: Literal["binary", "regression", "ordinal", "multiclass"] = Field(
        description="A chance (a 0/1 label), an amount, a rating (few numbers, ordered), or one of several."
    )
    label: Name = Field(description="Column of the interactions view.")
    when: Identifier | None = Field(
        None, description="Learn, and predict, given that this other binary task came true."
    )
    delay: Duration | None = Field(
        None, description="The label is known only so long after the interaction; younger rows are left out."
    )
    weight: float = Field(1.0, ge=0, description="Static weight of the task's loss.")
    weight_by: Name | None = Field(
        None,
        description="Column of the interactions view that weighs each row in the task's loss: 0 and above; "
        "null and a sampled negative count 1.",
    )
    loss: RegressionLoss | None = Field(
        None,
        description="Of a regression: `squared` (also where absent); `huber` for outliers; `lognormal` for "
        "amounts above 0 with a long tail; `zero_inflated_lognormal` where many are 0; `poisson` for counts.",
    )

    listwise: float = Field(
        0.0,
        ge=0,
        description="Of a binary task: weight of a loss of order beside its own, softmax over the rows of "
        "the same query and time.",
    )
    pairwise: float = Field(
        0.0, ge=0, description="The same, over pairs of a positive and a negative of the same query and time."
    )

    @model_validator(mode="after")
    def _keys_fit(self) -> Task:
        refuse(_out_of_place(self))
        return self

    @property
    def head(self) -> str:
        """What decides how it is learnt and judged: a regression's loss, or else the kind."""
        return (self.loss or "squared") if self.kind == "regression" else self.kind

    @property
    def has_order(self) -> bool:
        """Whether it learns the order within a slate too."""
        return self.listwise > 0 or self.pairwise > 0

    @property
    def has_classes(self) -> bool:
        """Whether its labels are told apart as classes, each with a probability."""
        return self.kind in ("ordinal", "multiclass")


def _out_of_place(task: Task) -> Iterator[Contradiction]:
    """Yield a fault for each key that a task of this kind does not have."""
    if task.loss is not None and task.kind != "regression":
        what = f"belongs to a regression; task {task.name!r} is {task.kind}: leave it out"
        yield Contradiction(("loss",), task.loss, what)
    for key in ("listwise", "pairwise") if task.kind != "binary" else ():
        weight = getattr(task, key)
        if weight:
            what = f"belongs to a binary task; task {task.name!r} is {task.kind}: leave it out"
            yield Contradiction((key,), weight, what)


def class_key(task: str, value: float) -> str:
    """Return what the predictions call the probability of one class of a task: ``rating#4``."""
    return f"{task}#{value:.0f}" if value == int(value) else f"{task}#{value:.7g}"


def task_contradictions(tasks: tuple[Task, ...]) -> Iterator[Contradiction]:
    """Yield a fault for each name given twice, each `when` that is no binary task, each circle."""
    names = [task.name for task in tasks]
    binary = {task.name: task for task in tasks if task.kind == "binary"}
    for position, task in enumerate(tasks):
        if task.name in names[:position]:
            what = f"another task has the name {task.name!r} too"
            yield Contradiction(("tasks", position, "name"), task.name, what)
        elif task.when is not None and task.when not in binary:
            others = [name for name in binary if name != task.name]
            what = f"no binary task {task.when!r}; {nearest(task.when, others)}"
            meant = closest(task.when, others)
            yield Contradiction(("tasks", position, "when"), task.when, what, meant)
        elif _leads_back(task, binary):
            what = f"the `when` of task {task.name!r} leads back to itself"
            yield Contradiction(("tasks", position, "when"), task.when, what)


def _leads_back(task: Task, tasks: dict[str, Task]) -> bool:
    seen, parent = {task.name}, task.when
    while parent is not None and parent in tasks and parent not in seen:
        seen.add(parent)
        parent = tasks[parent].when
    return parent == task.name
