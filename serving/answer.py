"""What a recommender answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

Key = int | str
Value = bool | int | float | str | datetime | date | None
"""One plain value: of a feature, a context column, a filter."""
Shown = Value | list[Value]
"""What people are shown of an item: a feature as Feast has it."""

Degraded = Literal[
    "unknown_query",
    "unknown_item",
    "features_missing",
    "features_expired",
    "store_unavailable",
    "store_timeout",
    "sources_timeout",
    "ranking_timeout",
    "stale_snapshot",
    "too_few_items",
    "caps_exceeded",
    "live_features_unavailable",
]
"""Why an answer is less than it could be; docs/serving.md says what each means and what is done instead."""


@dataclass(frozen=True)
class Versions:
    """What an answer was made from; all its items come from the same.

    Attributes:
        bundle: id of the bundle.
        snapshot: version of the item snapshot: its moment, and how often it was read anew.
        features: feature services of the query and the item, by which Feast versions features.
        arm: which arm of ``serving.experiment`` the query is in; None without one.
    """

    bundle: str
    snapshot: str
    features: tuple[str, ...]
    arm: str | None = None


@dataclass(frozen=True)
class Why:
    """Why an item stands where it stands.

    Attributes:
        sources: source -> the score by which it named the item; None where it gives none.
        contributions: task -> its weight times its expected value.
        rules: the rules that met the item -> what each added to its score; 0 for a pin. Contributions and
            rules sum to the score.
        baseline: what the contributions would sum to if nothing were known of the query and the item.
        inputs: feature -> what its value adds to the baseline, the largest effect first; with the baseline
            they sum to what the contributions do, within the error of an integral. What is sensitive is one
            sum, ``(sensitive)``.
        ages: view -> age of the query's features in seconds, where the store tells when they were written.
        snapshot_age: seconds between the moment of the item's features and the request.
        by_score: the place, from 1, that its score alone would give it among the ranked candidates; where the
            answer has it elsewhere, pins, caps or MMR moved it. None of a pin that came despite the limits.
    """

    sources: Mapping[str, float | None]
    contributions: Mapping[str, float]
    rules: Mapping[str, float]
    baseline: float
    inputs: Mapping[str, float]
    ages: Mapping[str, float]
    snapshot_age: float
    by_score: int | None


@dataclass(frozen=True)
class Recommendation:
    """One recommended item.

    Attributes:
        item: its key.
        score: the objective as rules left it; the items are ordered by it, but for pins and diversity. Of
            similar items, how near they are. NaN where ranking came too late.
        predictions: task -> probability, or value in the label's units; under ``when`` the conditional one.
            NaN where ranking came too late.
        display: what people are shown of it, by feature name; null where unknown.
        sources: the candidate sources that named it.
        why: how it came to stand here, where the request asks for it.
    """

    item: Key
    score: float
    predictions: Mapping[str, float]
    display: Mapping[str, Shown]
    sources: tuple[str, ...]
    why: Why | None = None


@dataclass(frozen=True)
class Answer:
    """The items for one query (or, of ``similar``, for one item), best first.

    Attributes:
        query: its key.
        degraded: why the answer is less than it could be; empty where it is whole.
        expired: the query's views whose row in the online store is past its TTL, so that its features count
            as null.
        request_id: of the call that asked, by which the log and a shop's own events find the answer.
    """

    query: Key
    items: tuple[Recommendation, ...]
    degraded: tuple[Degraded, ...]
    versions: Versions
    request_id: str = field(default="", compare=False)
    expired: tuple[str, ...] = ()
