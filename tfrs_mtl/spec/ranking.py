"""The ``ranking`` section: tasks, sizes, balance and negatives of the multi-task model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from tfrs_mtl.errors import closest, nearest
from tfrs_mtl.spec._base import Contradiction, Duration, Identifier, Name, Section, Width, refuse
from tfrs_mtl.spec.architectures import Architecture, Mmoe
from tfrs_mtl.spec.retrieval import Training


class Task(Section):
    """One thing to predict of a (query, item, time)."""

    name: Identifier = Field(description="What `when`, `objective` and the results call it.")
    kind: Literal["binary", "regression"] = Field(description="A chance (a 0/1 label), or an amount.")
    label: Name = Field(description="Column of the interactions view.")
    when: Identifier | None = Field(
        None, description="Learn, and predict, given that this other binary task came true."
    )
    delay: Duration | None = Field(
        None, description="The label is known only so long after the interaction; younger rows are left out."
    )
    weight: float = Field(1.0, ge=0, description="Static weight of the task's loss.")


class Negatives(Section):
    """Sampled negatives for each positive, for shops that log no impressions.

    All come from before the row they stand beside: ``popular`` from the interactions before it (so in
    proportion to popularity), ``uniform`` from the items known by then, ``own`` from the query's own past.
    A pair that is positive in the same window of time is never a negative.
    """

    popular: int = Field(3, ge=0, description="Drawn from the interactions before the row.")
    uniform: int = Field(1, ge=0, description="Drawn from the items known by then.")
    own: int = Field(0, ge=0, description="Drawn from the query's own past.")
    window: Duration = Field("28d", description="A pair interacted with in the same window is no negative.")  # type: ignore[assignment]

    @model_validator(mode="after")
    def _at_least_one(self) -> Negatives:
        if self.popular + self.uniform + self.own == 0:
            raise ValueError("expected at least one negative (popular, uniform or own), or no such section")
        return self


class Ranking(Section):
    """One model for all tasks."""

    tasks: tuple[Task, ...] = Field(min_length=1, description="What is predicted, at least one binary task.")
    architecture: Architecture = Field(
        Mmoe(), description="What the tasks share: a name, or a mapping of name and sizes."
    )
    hidden: tuple[Width, ...] = Field(
        (128,), description="Widths of each expert's (or the shared encoder's) layers."
    )
    tower: tuple[Width, ...] = Field((32,), description="Widths of each task's own layers.")
    history: Literal["mean", "none"] = Field("mean", description="Encoder of the query's history.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Share of units dropped in training.")
    balance: Literal["static", "uncertainty"] = Field(
        "static",
        description="How task losses are weighed: by `weight`, or by learnt uncertainty (Kendall 2018).",
    )
    negatives: Negatives | None = Field(
        None, description="Absent: the interactions hold negatives themselves."
    )
    training: Training = Field(Training(), description="The training of the ranking model.")

    @model_validator(mode="after")
    def _tasks_fit(self) -> Ranking:
        refuse(_contradictions(self.tasks))
        return self


def _contradictions(tasks: tuple[Task, ...]) -> Iterator[Contradiction]:
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
