"""The ``ranking`` section: tasks, sizes, balance and negatives of the multi-task model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tfrs_mtl.spec._base import Duration, HistoryEncoder, Section, Width, refuse
from tfrs_mtl.spec.architectures import Architecture, Cgc
from tfrs_mtl.spec.misfits import misfits
from tfrs_mtl.spec.retrieval import Training
from tfrs_mtl.spec.tasks import Task, task_contradictions

BalanceName = Literal[
    "static",
    "uncertainty",
    "dwa",
    "random",
    "famo",
    "gradnorm",
    "metabalance",
    "pcgrad",
    "cagrad",
]


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
        Cgc(), description="What the tasks share: a name, or a mapping of name and sizes."
    )
    hidden: tuple[Width, ...] = Field(
        (128,), description="Widths of each expert's (or the shared encoder's) layers."
    )
    tower: tuple[Width, ...] = Field((32,), description="Widths of each task's own layers.")
    history: HistoryEncoder = Field("mean", description="Encoder of the query's history.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Share of units dropped in training.")
    balance: BalanceName = Field(
        "static",
        description="What each loss is weighed by, beside its `weight`: `static` nothing; `uncertainty` "
        "learnt variance (Kendall 2018); `dwa` how fast it falls (Liu 2019); `random` the lot (Lin 2022); "
        "`famo` what a step brought (Liu 2023); by the gradients in what is shared, `gradnorm` their norms "
        "(Chen 2018), `metabalance` their norms beside the first task's (He 2022), `pcgrad` and `cagrad` "
        "their conflict (Yu 2020, Liu 2021).",
    )
    calibration: Literal["auto", "none", "temperature", "platt", "isotonic"] = Field(
        "auto",
        description="What is done to a trained model's chances, by the validation window: `temperature` a "
        "slope of the logit, `platt` a slope and a shift, `isotonic` an ascending line of 8 knots; `auto` "
        "takes for each task what holds best from one half of the window to the other.",
    )
    negatives: Negatives | None = Field(
        None, description="Absent: the interactions hold negatives themselves."
    )
    training: Training = Field(Training(), description="The training of the ranking model.")

    @model_validator(mode="after")
    def _tasks_fit(self) -> Ranking:
        refuse([*task_contradictions(self.tasks), *misfits(self)])
        return self
