"""The adapter that a shop's backend embeds. Importing it loads neither TensorFlow nor Feast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from serving.answer import Answer, Degraded, Recommendation, Versions, Why
from serving.event import Event, Recorded
from serving.wishes import Condition, Wishes

if TYPE_CHECKING:
    from serving.recommender import Recommender

__all__ = [
    "Answer",
    "Condition",
    "Degraded",
    "Event",
    "Recommendation",
    "Recommender",
    "Recorded",
    "Versions",
    "Why",
    "Wishes",
]


def __getattr__(name: str) -> Any:
    """Load the recommender, and what it stands on, when it is asked for."""
    if name == "Recommender":
        from serving.recommender import Recommender

        return Recommender
    raise AttributeError(f"module 'serving' has no attribute {name!r}")
