"""The ``behaviour`` section: features counted from past interactions and snapshotted in time."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from tfrs_mtl.errors import closest
from tfrs_mtl.spec._base import Duration, Name, Section

_WHICH = "What is measured."
_COLUMN = "A column of the interactions."


class _Windowed(Section):
    """A measure over the interactions of ``[snapshot - window, snapshot)``."""

    window: Duration | None = Field(None, description="How far back; absent: all the past.")
    where: Name | None = Field(
        None, description="A boolean or 0/1 column of the interactions: count only rows where it is true."
    )


class Count(_Windowed):
    """How many interactions."""

    measure: Literal["count"] = Field(description=_WHICH)


class Sum(_Windowed):
    """The sum of a numeric column; 0 where there was no interaction."""

    measure: Literal["sum"] = Field(description=_WHICH)
    column: Name = Field(description=_COLUMN)


class Mean(_Windowed):
    """The mean of a numeric column; null where there was no interaction."""

    measure: Literal["mean"] = Field(description=_WHICH)
    column: Name = Field(description=_COLUMN)


class Distinct(_Windowed):
    """How many distinct values of a column (a basket, a store, the item itself)."""

    measure: Literal["distinct"] = Field(description=_WHICH)
    column: Name = Field(description=_COLUMN)


class Rate(_Windowed):
    """The share of interactions for which ``where`` holds, among those for which ``given`` holds.

    Null where there was none.
    """

    measure: Literal["rate"] = Field(description=_WHICH)
    where: Name = Field(description="A boolean or 0/1 column: the rows that count.")
    given: Name | None = Field(None, description="A boolean or 0/1 column: among which rows; absent: all.")


class Recency(Section):
    """Days since the last interaction before the snapshot (float); null where there was none."""

    measure: Literal["recency"] = Field(description=_WHICH)
    where: Name | None = Field(None, description="A boolean or 0/1 column: only rows where it is true.")


class Popularity(_Windowed):
    """The entity's share of all interactions of the window (float in 0..1)."""

    measure: Literal["popularity"] = Field(description=_WHICH)


class Last(_Windowed):
    """The other side's ids of the last ``limit`` interactions, most recent first."""

    measure: Literal["last"] = Field(description=_WHICH)
    limit: int = Field(20, ge=1, le=1000, description="How many ids are kept.")


class Ages(Section):
    """Days between each interaction of a ``last`` feature and the snapshot, in the same order."""

    measure: Literal["ages"] = Field(description=_WHICH)
    of: Name = Field(description="The `last` feature of the same view whose ages these are.")


Measure = Annotated[
    Count | Sum | Mean | Distinct | Rate | Recency | Popularity | Last | Ages,
    Field(discriminator="measure"),
]


def _to_owner(value: Any) -> Any:
    """Say what is expected in one sentence: a union would be refused once for each of its members."""
    is_pair = isinstance(value, list | tuple) and len(value) == 2 and value[0] == "query"
    if value in ("query", "item") or (is_pair and isinstance(value[1], str) and value[1]):
        return value
    near = closest(value, ["query", "item"]) if isinstance(value, str) else None
    hint = f"did you mean {near!r}? " if near else ""
    what = f"{hint}expected query, item, or [query, an item feature], got {value!r}"
    raise PydanticCustomError("fault", "{what}", {"what": what, "meant": near})


Owner = Annotated[Literal["query", "item"] | tuple[Literal["query"], Name], BeforeValidator(_to_owner)]
"""Whom the features describe."""


class BehaviourView(Section):
    """One feature view of the registry that we fill from the interactions.

    ``of`` says whom the features describe: the ``query``, the ``item``, or the pair of the query with an
    attribute of the item, ``[query, category]`` (``[query, item]`` for the item itself). A pair view has the
    query as its entity and holds parallel arrays: the attribute's values in a field of the attribute's name
    (of the item's join key for ``item``) and one array a feature, most frequent values first, at most
    ``limit`` of them.
    """

    of: Owner = Field(
        description="Whom the features describe: `query`, `item`, or `[query, <item feature>]`."
    )
    every: Duration | None = Field(
        None, description="Cadence of this view's snapshots; default: the section's."
    )
    limit: int = Field(200, ge=1, le=10_000, description="Pair views: at most this many values a query.")
    features: dict[Name, Measure] = Field(
        min_length=1, description="A measure for each field of the view, by the field's name."
    )

    @property
    def is_pair(self) -> bool:
        """Whether the features describe the query together with an attribute of the item."""
        return isinstance(self.of, tuple)


class Behaviour(Section):
    """Snapshots on a fixed grid of times, so that a snapshot's time tells nothing of the entity."""

    every: Duration = Field(
        "1d", description="Cadence of the snapshots; the grid is aligned to the Unix epoch."
    )  # type: ignore[assignment]
    views: dict[Name, BehaviourView] = Field(
        default_factory=dict, description="Feature views of the registry that we fill, by name."
    )
