"""The whole of recommender.yaml."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from tfrs_mtl.spec._base import Identifier, Name, Section
from tfrs_mtl.spec.behaviour import Behaviour
from tfrs_mtl.spec.inputs import Input
from tfrs_mtl.spec.ranking import Ranking, Task
from tfrs_mtl.spec.retrieval import Retrieval


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""A point in time; without a zone it is UTC."""


class Query(Section):
    """Who asks: a user, a household, a session."""

    entity: Name
    features: Name | None = Field(None, description="Feature service of the query; absent: its id and context alone.")


class Item(Section):
    """What is recommended."""

    entity: Name
    features: Name | None = Field(None, description="Feature service of the item; absent: its id alone.")
    display: tuple[Name, ...] = Field((), description="Item features that people are shown beside the id.")


class Interactions(Section):
    """The feature view whose source holds the events: both join keys, a time, the labels."""

    view: Name
    context: tuple[Name, ...] = Field((), description="Columns that a request knows when it asks (device, store).")


class Split(Section):
    """Windows by time: train before ``validation``, validate before ``test``, test before ``end``."""

    validation: Moment
    test: Moment
    end: Moment | None = Field(None, description="Interactions from here on are not read; absent: all are.")

    @model_validator(mode="after")
    def _ordered(self) -> Split:
        moments = [self.validation, self.test] + ([self.end] if self.end else [])
        if moments != sorted(set(moments)):
            raise ValueError("expected validation < test < end")
        return self


class Batch(Section):
    """Batch recommendations."""

    candidates: int = Field(500, ge=1, description="Items retrieved for each query before ranking.")
    k: int = Field(20, ge=1, description="Items kept for each query after ranking.")


class Spec(Section):
    """recommender.yaml: the one contract between a shop and this library."""

    version: Literal[1]
    name: Identifier
    query: Query
    item: Item
    interactions: Interactions
    split: Split
    behaviour: Behaviour = Behaviour()
    inputs: dict[Name, Input] = Field(
        default_factory=dict, description="By feature name, or view:feature where two views share a name."
    )
    retrieval: Retrieval = Retrieval()
    ranking: Ranking
    objective: dict[Identifier, float] = Field(
        default_factory=dict,
        description="Weight of each task's expected value in the final score; default: 1 for the first task.",
    )
    batch: Batch = Batch()
    seed: int = Field(0, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _names_exist(self) -> Spec:
        tasks = {task.name: task for task in self.ranking.tasks}
        unknown = sorted(set(self.objective) - set(tasks))
        if unknown:
            raise ValueError(f"objective names {unknown}, but the tasks are {sorted(tasks)}")
        positives = self.retrieval.positives
        if positives is not None and (positives not in tasks or tasks[positives].kind != "binary"):
            raise ValueError(
                f"retrieval.positives is {positives!r}, but the binary tasks are "
                f"{sorted(t.name for t in tasks.values() if t.kind == 'binary')}"
            )
        if not any(task.kind == "binary" and task.when is None for task in tasks.values()):
            raise ValueError("ranking.tasks needs a binary task without `when`: what retrieval learns from")
        return self

    @property
    def positives(self) -> Task:
        """The binary task whose positives the retrieval stage learns to find."""
        tasks = {task.name: task for task in self.ranking.tasks}
        first = next(t for t in self.ranking.tasks if t.kind == "binary" and t.when is None)
        return tasks[self.retrieval.positives] if self.retrieval.positives else first

    @property
    def weights(self) -> dict[str, float]:
        """The objective, with its default filled in."""
        return self.objective or {self.ranking.tasks[0].name: 1.0}
