"""The whole of recommender.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from tfrs_mtl.errors import closest, nearest
from tfrs_mtl.spec._base import Contradiction, Identifier, Moment, Name, Section, refuse, twice
from tfrs_mtl.spec.behaviour import Behaviour
from tfrs_mtl.spec.inputs import Input
from tfrs_mtl.spec.ranking import Ranking
from tfrs_mtl.spec.retrieval import Retrieval
from tfrs_mtl.spec.serving import Serving
from tfrs_mtl.spec.tasks import Task


class Query(Section):
    """Who asks: a user, a household, a session."""

    entity: Name = Field(description="Entity of the registry.")
    features: Name | None = Field(
        None, description="Feature service of the query; absent: its id and context alone."
    )


class Item(Section):
    """What is recommended."""

    entity: Name = Field(description="Entity of the registry.")
    features: Name | None = Field(None, description="Feature service of the item; absent: its id alone.")
    display: tuple[Name, ...] = Field((), description="Item features that people are shown beside the id.")

    @model_validator(mode="after")
    def _once(self) -> Item:
        refuse(twice("display", self.display))
        return self


class Interactions(Section):
    """The feature view whose source holds the events: both join keys, a time, the labels."""

    view: Name = Field(description="Feature view of the registry, keyed by the query and the item.")
    context: tuple[Name, ...] = Field(
        (), description="Columns that a request knows when it asks (device, store)."
    )

    @model_validator(mode="after")
    def _once(self) -> Interactions:
        refuse(twice("context", self.context))
        return self


class Split(Section):
    """Windows by time: train before ``validation``, validate before ``test``, test before ``end``."""

    validation: Moment = Field(description="Start of the validation window; the training window ends here.")
    test: Moment = Field(description="Start of the test window; the validation window ends here.")
    end: Moment | None = Field(None, description="Interactions from here on are not read; absent: all are.")

    @model_validator(mode="after")
    def _ordered(self) -> Split:
        refuse(_out_of_order(self))
        return self


def _out_of_order(split: Split) -> Iterator[Contradiction]:
    if split.test <= split.validation:
        what = f"is {split.test:%Y-%m-%d %H:%M}, expected after `validation`"
        yield Contradiction(("test",), split.test, what)
    if split.end is not None and split.end <= split.test:
        what = f"is {split.end:%Y-%m-%d %H:%M}, expected after `test`"
        yield Contradiction(("end",), split.end, what)


class Batch(Section):
    """Batch recommendations."""

    candidates: int = Field(500, ge=1, description="Items retrieved for each query before ranking.")
    k: int = Field(20, ge=1, description="Items kept for each query after ranking.")

    @model_validator(mode="after")
    def _enough(self) -> Batch:
        if self.k > self.candidates:
            what = f"expected at most `candidates` ({self.candidates}), got {self.k}"
            refuse([Contradiction(("k",), self.k, what)])
        return self


class Spec(Section):
    """recommender.yaml: the one contract between a shop and this library."""

    version: Literal[1] = Field(description="Version of this contract.")
    name: Identifier = Field(description="Name of the recommender, in its bundles and reports.")
    query: Query = Field(description="Who asks.")
    item: Item = Field(description="What is recommended to them.")
    interactions: Interactions = Field(description="Who met what, when, and what came of it.")
    split: Split = Field(description="Which interactions teach, which stop the training, which judge.")
    behaviour: Behaviour = Field(
        Behaviour(), description="Features counted from past interactions, written by `tfrs-mtl features`."
    )
    inputs: dict[Name, Input] = Field(
        default_factory=dict, description="By feature name, or view:feature where two views share a name."
    )
    sensitive: tuple[Name, ...] = Field(
        (),
        description="Features, named as in `inputs`, that the models use and no log, explanation or report "
        "tells of. Needs no training: the live list holds for every bundle.",
    )
    retrieval: Retrieval = Field(Retrieval(), description="The two-tower model that finds candidates.")
    ranking: Ranking = Field(description="The multi-task model that ranks them.")
    objective: dict[Identifier, float] = Field(
        default_factory=dict,
        description="Weight of each task's expected value in the final score; default: 1 for the first task.",
    )
    batch: Batch = Field(Batch(), description="Recommendations for everybody, ahead of time.")
    serving: Serving = Field(Serving(), description="Answers to requests, in a backend or over HTTP.")
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of everything random.")

    @model_validator(mode="after")
    def _names_exist(self) -> Spec:
        refuse([*_unknown_tasks(self), *twice("sensitive", self.sensitive)])
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


def _unknown_tasks(spec: Spec) -> Iterator[Contradiction]:
    """Yield a fault for each name that should be a task's."""
    names = [task.name for task in spec.ranking.tasks]
    binary = [task.name for task in spec.ranking.tasks if task.kind == "binary"]
    for name in spec.objective:
        if name not in names:
            yield Contradiction(("objective", name), name, f"no task {name!r}; {nearest(name, names)}")
    positives = spec.retrieval.positives
    if positives is not None and positives not in binary:
        what = f"no binary task {positives!r}; {nearest(positives, binary)}"
        yield Contradiction(("retrieval", "positives"), positives, what, closest(positives, binary))
    yield from _positives_known_late(spec, binary)
    if not any(task.kind == "binary" and task.when is None for task in spec.ranking.tasks):
        what = "needs a binary task without `when`: what retrieval learns from"
        yield Contradiction(("ranking", "tasks"), names, what)


def _positives_known_late(spec: Spec, binary: list[str]) -> Iterator[Contradiction]:
    """Yield a fault where retrieval would learn from what is not known yet when it happens."""
    chosen = [t for t in spec.ranking.tasks if t.kind == "binary" and t.when is None][:1]
    if spec.retrieval.positives in binary:
        chosen = [t for t in spec.ranking.tasks if t.name == spec.retrieval.positives]
    for task in chosen:
        if task.delay is not None:
            what = f"task {task.name!r} is known only after its `delay`; expected a task without one"
            yield Contradiction(("retrieval", "positives"), spec.retrieval.positives, what)
