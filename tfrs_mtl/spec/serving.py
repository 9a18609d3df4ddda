"""The ``serving`` section: how requests are answered."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from tfrs_mtl.spec._base import (
    Contradiction,
    Duration,
    Identifier,
    Name,
    Section,
    refuse,
    twice,
)
from tfrs_mtl.spec.rules import Rule

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_LONGEST = timedelta(days=3650)
_NEARLY = 1e-6


def _to_span(value: Any) -> Any:
    found = value if isinstance(value, timedelta) else None
    match = re.fullmatch(r"(\d{1,9})\s*(ms|s|m|h|d)", value.strip()) if isinstance(value, str) else None
    if match is not None:
        found = int(match[1]) * _UNITS[match[2]]
    if found is None or not timedelta(0) < found <= _LONGEST:
        raise ValueError(f"expected a span such as 50ms, 30s, 10m, 2h or 1d (up to 10 years), got {value!r}")
    return found


def span_text(value: timedelta) -> str:
    """Return a span in the form the spec takes, in the largest unit that fits."""
    unit = next(u for u in reversed(_UNITS) if value % _UNITS[u] == timedelta(0))
    return f"{value // _UNITS[unit]}{unit}"


Span = Annotated[
    timedelta,
    BeforeValidator(_to_span),
    PlainSerializer(span_text, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\s*\d{1,9}\s*(ms|s|m|h|d)\s*$", "examples": ["50ms", "30s", "10m"]}
    ),
]
"""A short span of time, written ``50ms``, ``30s``, ``10m``, ``2h`` or ``1d``."""


class ItemFilter(Section):
    """Items that may come, by an SQL expression over their features."""

    where: str = Field(
        min_length=1, max_length=10_000, description="A boolean SQL expression; columns by feature name."
    )
    default: bool = Field(False, description="Holds for every request that does not say otherwise.")


class Sources(Section):
    """How many candidates each source may name for a query, before ranking; 0 does not ask it."""

    towers: int | None = Field(
        None, ge=0, le=100_000, description="The two towers' nearest; default: `batch.candidates`."
    )
    own: int = Field(1000, ge=0, le=100_000, description="What the query met before.")
    similar: int = Field(0, ge=0, le=100_000, description="Items similar to those it met last.")
    popular: int = Field(0, ge=0, le=100_000, description="What everybody meets.")
    ranked: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="How many candidates of all sources are ranked, the best by weighted reciprocal rank; "
        "absent: all.",
    )
    weights: dict[Literal["towers", "own", "similar", "popular"], Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="Source -> what its places weigh where `ranked` takes the best; absent: 1.",
    )

    @model_validator(mode="after")
    def _weighs_something(self) -> Sources:
        if self.weights and self.ranked is None:
            what = "weights choose the candidates that are ranked: say how many with `ranked`"
            refuse([Contradiction(("weights",), dict(self.weights), what)])
        return self


class Log(Section):
    """Answers kept for later, below ``artefacts/log``; features in Feast's log too, where it keeps one."""

    share: float = Field(0.01, gt=0, le=1, description="The share of the requests that is logged.")
    every: Span = Field("10s", description="How long answers are gathered before they are written.")  # type: ignore[assignment]


class Arm(Section):
    """One arm of an experiment."""

    bundle: Name = Field("current", description="Id of a bundle; `current` is the recommender's own.")
    share: float = Field(gt=0, le=1, description="The share of the queries in this arm.")


class Experiment(Section):
    """Bundles that answer side by side; a hash of the experiment's name and a query's key says which."""

    name: Identifier = Field(description="Another name deals the queries anew.")
    arms: dict[Identifier, Arm] = Field(min_length=1, description="Arms, whose shares sum up to 1.")

    @model_validator(mode="after")
    def _deals_everybody(self) -> Experiment:
        total = sum(arm.share for arm in self.arms.values())
        if abs(total - 1) > _NEARLY:
            what = f"the shares of the arms sum up to {total:g}; 1 was expected"
            refuse([Contradiction(("arms",), {n: a.share for n, a in self.arms.items()}, what)])
        return self


class Shadow(Section):
    """A bundle that is asked the same beside the requests; ``artefacts/shadow`` says what differs."""

    bundle: Name = Field(description="Id of the bundle.")
    share: float = Field(1.0, gt=0, le=1, description="The share of the requests that it is asked.")
    every: Span = Field("10s", description="How long differences are gathered before they are written.")  # type: ignore[assignment]


class Diversity(Section):
    """How much the items of an answer should differ from each other."""

    mmr: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Weight of being unlike the items above, against the rank by score; 0: score alone.",
    )
    pool: int = Field(100, ge=1, le=10_000, description="`mmr` chooses among so many best by score.")
    caps: dict[Name, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict, description="At most so many items of one value, by item feature."
    )


class Serving(Section):
    """How a running recommender answers; needs no training, so the live file's section holds."""

    deadline: Span = Field(
        "500ms", description="How long a request waits for the online store before it answers without."
    )  # type: ignore[assignment]
    budget: Span | None = Field(
        None,
        description="How long an answer may take; sources and ranking that take longer are left out. "
        "Absent: it takes what it takes.",
    )
    refresh: Span | None = Field(
        None,
        description="How often, at the least, the items are read anew from the online store: they are "
        "within seconds of a materialisation, too; absent: never.",
    )
    stale_after: Span | None = Field(
        None, description="An older item snapshot makes answers say `stale_snapshot`; absent: none does."
    )
    follow: Span | None = Field(
        None, description="How often to look whether another bundle became current; absent: never."
    )
    met_within: Duration | None = Field(
        None,
        description="Leave out what the query met, younger than this, by its histories with ages and by "
        "pair views of the item with a `recency` of the same events.",
    )
    filters: dict[Identifier, ItemFilter] = Field(
        default_factory=dict, description="Named filters, which a request may switch on or off."
    )
    sources: Sources = Field(Sources(), description="Where candidates come from.")
    record: bool = Field(
        False, description="Take events and push them; the views that count them need push sources."
    )
    record_deadline: Span = Field("5s", description="How long telling events waits for the stores.")  # type: ignore[assignment]
    log: Log | None = Field(None, description="Keep a log of answers; absent: none.")
    experiment: Experiment | None = Field(None, description="Bundles side by side; absent: one for all.")
    shadow: Shadow | None = Field(None, description="A bundle to compare; absent: none.")
    rules: dict[Identifier, Rule] = Field(
        default_factory=dict, description="Named rules, which a request may switch on or off; in this order."
    )
    live: tuple[Name, ...] = Field(
        (), description="Item features read anew online for the items of an answer: a price, a stock."
    )
    diversity: Diversity = Field(Diversity(), description="How much the items of an answer differ.")
    threads: int = Field(8, ge=1, le=256, description="At most this many reads of the online store at once.")

    @model_validator(mode="after")
    def _once(self) -> Serving:
        refuse(twice("live", self.live))
        return self
