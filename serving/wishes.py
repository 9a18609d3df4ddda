"""What a request may say beside its query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from typing_extensions import TypedDict

from serving.answer import Key, Value

Condition = Value | Sequence[Value] | Mapping[str, Value | Sequence[Value]]
"""A value, a list of values, or a mapping of ``min`` and ``max`` (inclusive) and ``not`` (one or more)."""


class DiversityWish(TypedDict, total=False):
    """How much the items should differ; what is left out is as the spec says, so ``{"mmr": 0}`` is without.

    Attributes:
        mmr: weight of being unlike the items above, 0 to 1.
        pool: among how many best by score it chooses.
        caps: item feature -> at most so many items of one value; ``{}`` lifts the spec's.
    """

    mmr: float
    pool: int
    caps: Mapping[str, int]


class Wishes(TypedDict, total=False):
    """The options of a request; what is left out, or None, is as the spec says.

    Attributes:
        k: how many items. Fewer come where no more may.
        weights: task -> weight in the objective.
        context: what the request knows, by column name; what is left out counts as unknown.
        filters: item feature -> a condition; name of one of the spec's filters -> whether it holds.
        exclude: join keys of items that must not come.
        rules: name of one of the spec's rules -> whether it holds.
        diversity: how much the items should differ.
        explain: say of each item why it stands where it stands.
        at: the moment of the request, by which features expire; default: now.
    """

    k: int | None
    weights: Mapping[str, float] | None
    context: Mapping[str, Value] | None
    filters: Mapping[str, Condition] | None
    exclude: Sequence[Key]
    rules: Mapping[str, bool] | None
    diversity: DiversityWish | None
    explain: bool
    at: datetime | None
