"""The ``serving`` section: how requests are answered."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from tfrs_mtl.spec._base import Section

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_LONGEST = timedelta(days=3650)


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


class Serving(Section):
    """How a running recommender answers; needs no training, so the live file's section holds."""

    deadline: Span = Field(
        "500ms", description="How long a request waits for the online store before it answers without."
    )  # type: ignore[assignment]
    threads: int = Field(8, ge=1, le=256, description="At most this many reads of the online store at once.")
