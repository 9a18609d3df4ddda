"""Business rules over the answers: ``serving.rules``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StrictInt, StrictStr, model_validator

from tfrs_mtl.spec._base import Contradiction, Moment, Section, refuse, twice

_WHICH = "What the rule does."
_FACTOR = "Multiplies the score: above 1 to boost, below 1 to bury."
_OFFSET = "Is added to the score, in the objective's units: above 0 to boost, below 0 to bury."
_OF = "A boolean SQL expression; columns by feature name."

Expression = Annotated[str, Field(min_length=1, max_length=10_000)]
"""SQL over the columns of the items."""


class _Rule(Section):
    """When a rule holds: for requests of ``since <= moment < until``, unless one switches it."""

    since: Moment | None = Field(None, description="Holds from here on; absent: always did.")
    until: Moment | None = Field(None, description="Holds no longer from here on; absent: never ends.")
    default: bool = Field(True, description="Holds for every request that does not say otherwise.")

    @model_validator(mode="after")
    def _ordered(self) -> _Rule:
        if self.since is not None and self.until is not None and self.until <= self.since:
            what = f"is {self.until:%Y-%m-%d %H:%M}, expected after `since`"
            refuse([Contradiction(("until",), self.until, what)])
        return self


class Boost(_Rule):
    """Raises the scores of items: by a factor (a negative score is divided by it), then by an offset."""

    action: Literal["boost"] = Field(description=_WHICH)
    where: Expression = Field(description=_OF)
    factor: float = Field(1.0, ge=1, description=_FACTOR)
    offset: float = Field(0.0, ge=0, description=_OFFSET)

    @model_validator(mode="after")
    def _does_something(self) -> Boost:
        refuse(_nothing(self))
        return self


class Bury(_Rule):
    """Lowers the scores of items: by a factor (a negative score is divided by it), then by an offset."""

    action: Literal["bury"] = Field(description=_WHICH)
    where: Expression = Field(description=_OF)
    factor: float = Field(1.0, gt=0, le=1, description=_FACTOR)
    offset: float = Field(0.0, le=0, description=_OFFSET)

    @model_validator(mode="after")
    def _does_something(self) -> Bury:
        refuse(_nothing(self))
        return self


class Pin(_Rule):
    """Puts items at fixed positions: the first of ``items`` that may come, then the best of ``where``."""

    action: Literal["pin"] = Field(description=_WHICH)
    positions: tuple[Annotated[int, Field(ge=1, le=10_000)], ...] = Field(
        min_length=1, description="Where in the answer, from 1; the first item takes the first of them."
    )
    items: tuple[StrictInt | StrictStr, ...] = Field(
        (), max_length=10_000, description="Join keys of items, in this order."
    )
    where: Expression | None = Field(None, description=_OF)
    despite_limits: bool = Field(
        False, description="Come even where filters, excludes or `met_within` would leave them out."
    )

    @model_validator(mode="after")
    def _names_items(self) -> Pin:
        refuse(_faults(self))
        return self


Rule = Annotated[Boost | Bury | Pin, Field(discriminator="action")]


def _nothing(rule: Boost | Bury) -> Iterator[Contradiction]:
    if rule.factor == 1 and rule.offset == 0:
        what = f"changes no score: a {rule.action} needs a factor other than 1, or an `offset`"
        yield Contradiction(("factor",), rule.factor, what)


def _faults(pin: Pin) -> Iterator[Contradiction]:
    yield from twice("positions", [str(position) for position in pin.positions])
    if not pin.items and pin.where is None:
        yield Contradiction(("items",), pin.items, "expected `items`, `where`, or both: nothing is pinned")
