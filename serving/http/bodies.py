"""What comes in over HTTP. What goes out is an Answer as it is."""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StrictInt,
    WithJsonSchema,
)

from serving.answer import Answer, Key, Value
from serving.event import Recorded
from serving.wishes import Condition

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=timezone.utc), datetime(2200, 1, 1, tzinfo=timezone.utc)
_LONGEST_KEY = 512
_PLAIN_SCHEMA = {"type": ["string", "number", "boolean", "null"]}
_VALUES_SCHEMA = {"anyOf": [_PLAIN_SCHEMA, {"type": "array", "items": _PLAIN_SCHEMA}]}


# A union would report what is wrong once a member; one function says what was expected.


def _key(value: Any) -> Key:
    if isinstance(value, str) and 1 <= len(value) <= _LONGEST_KEY:
        return value
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    raise ValueError(f"expected a whole number of 64 bits, or a text of 1 to {_LONGEST_KEY} characters")


def _plain(value: Any) -> Value:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ValueError("expected a text, a finite number, true, false or null")


def _values(value: Any) -> Value | list[Value]:
    return [_plain(one) for one in value] if isinstance(value, list) else _plain(value)


def _condition(value: Any) -> Condition:
    if isinstance(value, dict):
        return {bound: _values(one) for bound, one in value.items()}
    return _values(value)


def _written(value: Any) -> str:
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[Tt ]", value):
        return value
    raise ValueError("expected a moment with its zone, such as 2024-05-01T12:00:00Z")


def _in_our_time(moment: datetime) -> datetime:
    if not _FIRST <= moment <= _LAST:
        raise ValueError(f"expected a moment from {_FIRST:%Y} to {_LAST:%Y}")
    return moment


JsonKey = Annotated[
    int | str,
    PlainValidator(_key),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "format": "int64"},
                {"type": "string", "minLength": 1, "maxLength": _LONGEST_KEY},
            ]
        }
    ),
]
"""A join key of the registry's type; of an integer key its digits as text do too."""

JsonValue = Annotated[Any, PlainValidator(_plain), WithJsonSchema(_PLAIN_SCHEMA)]
"""One plain value."""

JsonCondition = Annotated[
    Any,
    PlainValidator(_condition),
    WithJsonSchema(
        {
            "anyOf": [
                *_VALUES_SCHEMA["anyOf"],
                {
                    "type": "object",
                    "properties": {"min": _PLAIN_SCHEMA, "max": _PLAIN_SCHEMA, "not": _VALUES_SCHEMA},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            ]
        }
    ),
]
"""What a filter asks for: a value, a list of values, bounds, or what must not be."""

Filters = dict[str, JsonCondition]
Rules = dict[str, StrictBool]
Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_in_our_time)]
Weight = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Diversity(BaseModel):
    """How much the items of an answer should differ from each other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mmr: Weight = Field(0.0, ge=0, le=1, description="Weight of being unlike the items above.")
    pool: StrictInt = Field(100, ge=1, le=10_000, description="`mmr` chooses among so many best by score.")
    caps: dict[str, Annotated[StrictInt, Field(ge=1)]] = Field(
        {}, description="Item feature -> at most so many items of one value."
    )


class Options(BaseModel):
    """What may be said of a request, for one query or many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: int | None = Field(None, ge=1, strict=True, description="How many items. Default: the spec's.")
    weights: dict[str, Weight] | None = Field(
        None, description="Task -> weight in the objective. Default: the spec's."
    )
    context: dict[str, JsonValue] | None = Field(None, description="What the request knows, by column name.")
    filters: Filters | None = Field(
        None,
        description="Item feature -> a value, a list of values, {min, max} or {not: ...}; "
        "one of the spec's filters -> whether it holds.",
    )
    exclude: list[JsonKey] = Field([], description="Keys of items that must not come.")
    rules: Rules | None = Field(None, description="One of the spec's rules -> whether it holds.")
    diversity: Diversity | None = Field(
        None, description="How much the items should differ. Default, also of what is left out: the spec's."
    )
    explain: bool = Field(False, strict=True, description="Say of each item why it stands where it stands.")
    at: Moment | None = Field(
        None, description="The moment of the request, by which features expire. Default: now."
    )


class RecommendRequest(Options):
    """A question for one query."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"query": 42}, {"query": "9007199254740993", "k": 5, "exclude": ["A-1", "A-7"]}]
        }
    )

    query: JsonKey = Field(description="Its join key; an integer key may come as a text of digits.")


class BatchRequest(Options):
    """One question for many queries."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"queries": [42, 43], "k": 5}]})

    queries: list[JsonKey] = Field(description="Their join keys.")


class JsonEvent(BaseModel):
    """One interaction of a query with an item."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: JsonKey = Field(description="Its join key.")
    item: JsonKey = Field(description="Its join key.")
    at: Moment | None = Field(None, description="When it happened. Default: now.")
    values: dict[str, JsonValue] = Field({}, description="Columns of the interactions, by name.")


class EventsRequest(BaseModel):
    """What queries met."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"events": [{"query": 42, "item": "A-1", "values": {"purchased": True}}]}]
        },
    )

    events: list[JsonEvent]


class EventsAnswer(BaseModel):
    """What became of each event, in the order of the events."""

    outcomes: tuple[Recorded, ...]


class BatchAnswer(BaseModel):
    """An answer for each query, in the order of the queries."""

    answers: tuple[Answer, ...]


class Health(BaseModel):
    """That the process lives, or is ready, and what it answers from."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "ok", "bundle": None}})

    status: str
    bundle: str | None = None
    snapshot: str | None = None
