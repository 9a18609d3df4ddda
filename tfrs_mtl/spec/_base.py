"""What every section of recommender.yaml shares: frozen, no unknown keys, and the named types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_HOUR = timedelta(hours=1)
_LONGEST = timedelta(days=36_500)


class Section(BaseModel):
    """A frozen section of the spec that forbids unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


class Contradiction(NamedTuple):
    """Something wrong between keys: the one to mend, what came and was expected there, the nearest name."""

    path: tuple[str | int, ...]
    got: Any
    what: str
    meant: str | None = None


def refuse(faults: Iterable[Contradiction]) -> None:
    """Raise for all faults of a section at once, each at its own key; to be called in a model validator."""
    details = [
        InitErrorDetails(
            type=PydanticCustomError("fault", "{what}", {"what": f.what, "meant": f.meant}),
            loc=f.path,
            input=f.got,
        )
        for f in faults
    ]
    if details:
        raise ValidationError.from_exception_data("faults", details)


def twice(key: str, names: Sequence[str]) -> Iterable[Contradiction]:
    """Yield a fault for each name that stands in a list for a second time."""
    for position, name in enumerate(names):
        if name in names[:position]:
            yield Contradiction((key, position), name, f"{name!r} stands twice")


def _to_duration(value: Any) -> Any:
    found = value if isinstance(value, timedelta) else None
    match = re.fullmatch(r"(\d{1,7})\s*([hdw])", value.strip()) if isinstance(value, str) else None
    if match is not None:
        found = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if found is None or found % _HOUR or not _HOUR <= found <= _LONGEST:
        raise ValueError(f"expected a duration such as 12h, 28d or 4w (up to 100 years), got {value!r}")
    return found


def duration_text(value: timedelta) -> str:
    """Return a duration in the form the spec takes: ``28d``, or ``12h`` where days do not fit."""
    hours = value // _HOUR
    return f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"


HistoryEncoder = Literal["attention", "convolution", "gru", "mean", "none"]
"""Encoders of a query's history; ``layers/history.py`` has them."""

Duration = Annotated[
    timedelta,
    BeforeValidator(_to_duration),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\s*\d{1,7}\s*[hdw]\s*$", "examples": ["12h", "28d", "4w"]}
    ),
]
"""A span of time, written ``12h``, ``28d`` or ``4w``."""


def _to_moment(value: Any) -> Any:
    """Take dates and ISO times alone: pydantic would read 20240401 as seconds since 1970."""
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        except ValueError:
            moment = None
    elif isinstance(value, date) and not isinstance(value, datetime):
        moment = datetime(value.year, value.month, value.day)
    if not isinstance(moment, datetime):
        raise ValueError(f"expected a date or time such as 2024-03-01 or 2024-03-01T12:00:00Z, got {value!r}")
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)


Moment = Annotated[
    datetime,
    BeforeValidator(_to_moment),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}),
]
"""A point in time; without a zone it is UTC."""

Name = Annotated[str, Field(min_length=1, max_length=200)]
"""A name that must exist elsewhere: in the registry or in the spec."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
"""A name that the spec itself gives: letters, digits and underscores."""

Width = Annotated[int, Field(ge=1, le=65_536)]
"""Units of a layer."""
