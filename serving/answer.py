"""What a recommender answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Key = int | str

Degraded = Literal["unknown_query", "store_unavailable"]
"""Why an answer is less than it could be: the query is unknown, or its features could not be read."""


@dataclass(frozen=True)
class Recommendation:
    """One recommended item.

    Attributes:
        item: its key.
        score: the objective, by which the items are ordered.
        predictions: task -> probability, or value in the label's units; under ``when`` the conditional one.
        display: what people are shown of it, by feature name; null where unknown.
    """

    item: Key
    score: float
    predictions: Mapping[str, float]
    display: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """The items for one query, best first.

    Attributes:
        degraded: why the answer is less than it could be; None where it is not.
        bundle: id of the bundle that answered.
    """

    query: Key
    items: tuple[Recommendation, ...]
    degraded: Degraded | None
    bundle: str
