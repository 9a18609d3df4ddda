"""What comes in over HTTP. What goes out is an Answer as it is."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StrictInt, StrictStr

from serving.answer import Answer

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=timezone.utc), datetime(2200, 1, 1, tzinfo=timezone.utc)


def _in_our_time(moment: datetime) -> datetime:
    if not _FIRST <= moment <= _LAST:
        raise ValueError(f"expected a moment from {_FIRST:%Y} to {_LAST:%Y}")
    return moment


JsonKey = (
    Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)]
    | Annotated[StrictStr, Field(min_length=1, max_length=512)]
)
"""A join key of the registry's type; for an integer key its digits as text do too."""
Plain = bool | StrictInt | Annotated[float, Field(strict=True, allow_inf_nan=False)] | StrictStr | None
"""One plain value of JSON."""


class Filter(BaseModel):
    """Bounds of a column, both inclusive, or values that it must not have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: Plain = None
    max: Plain = None
    not_: list[Plain] | None = Field(None, alias="not")


class _Wishes(BaseModel):
    """What may be said of a request, for one query or many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: int | None = Field(None, ge=1, strict=True, description="How many items. Default: the spec's.")
    weights: dict[str, Annotated[float, Field(allow_inf_nan=False)]] | None = Field(
        None, description="Task -> weight in the objective. Default: the spec's."
    )
    context: dict[str, Plain] | None = Field(None, description="What the request knows, by column name.")
    filters: dict[str, Plain | list[Plain] | Filter] | None = Field(
        None, description="Item feature -> a value, a list of values, {min, max} or {not: [...]}."
    )
    exclude: list[JsonKey] = Field([], description="Keys of items that must not be among the answer.")
    explain: bool = Field(False, strict=True, description="Say of each item why it is there.")
    at: Annotated[AwareDatetime, AfterValidator(_in_our_time)] | None = Field(
        None, description="The moment of the request, by which features expire. Default: now."
    )


class RecommendRequest(_Wishes):
    """A question for one query."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"query": 42}, {"query": "9007199254740993", "k": 5, "exclude": ["A-1", "A-7"]}]
        }
    )

    query: JsonKey = Field(description="Its join key; an integer key may come as a string of digits.")


class BatchRequest(_Wishes):
    """One question for many queries."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"queries": [42, 43], "k": 5}]})

    queries: list[JsonKey] = Field(description="Their join keys.")


class BatchAnswer(BaseModel):
    """An answer for each query, in the order of the queries."""

    answers: list[Answer]


class Health(BaseModel):
    """That the process lives, or is ready, and what with."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "ok", "bundle": None}})

    status: str
    bundle: str | None = None
    snapshot: str | None = None
