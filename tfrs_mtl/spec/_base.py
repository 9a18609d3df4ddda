"""What every section of recommender.yaml shares: frozen, no unknown keys, and the named types."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class Section(BaseModel):
    """A frozen section of the spec that forbids unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def _to_duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d+)\s*([hdw])", value.strip()) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError(f"expected a duration such as 12h, 28d or 4w, got {value!r}")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def duration_text(value: timedelta) -> str:
    """Return a duration in the form the spec takes: ``28d``, or ``12h`` where days do not fit."""
    hours = int(value.total_seconds() // 3600)
    return f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"


Duration = Annotated[
    timedelta,
    BeforeValidator(_to_duration, json_schema_input_type=str),
    PlainSerializer(duration_text, return_type=str),
]
"""A span of time, written ``12h``, ``28d`` or ``4w``."""

Name = Annotated[str, Field(min_length=1, max_length=200)]
"""A name that must exist elsewhere: in the registry or in the spec."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
"""A name that the spec itself gives: letters, digits and underscores."""
