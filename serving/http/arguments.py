"""From what came over HTTP to the arguments of a recommender: limits held, keys in the registry's type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from serving.answer import Key
from serving.event import Event
from serving.http.bodies import Diversity, EventsRequest, Filters, Options, Rules
from serving.http.settings import HttpSettings
from serving.wishes import DiversityWish, Wishes
from tfrs_mtl.errors import RequestError
from tfrs_mtl.schema import Column, Schema

if TYPE_CHECKING:
    from serving.state import State

_FILTERS, _RULES = TypeAdapter(Filters), TypeAdapter(Rules)
T = TypeVar("T")


def wishes_of(body: Options, state: State, limits: HttpSettings, *, queries: int = 1) -> Wishes:
    """Return what a body says beside its queries.

    Raises:
        RequestError: more items or keys than the limits let through.
    """
    schema, k = state.schema, limited_k(body.k, limits.max_k)
    explained = queries * (state.scorer.k if k is None else k)
    if body.explain and explained > limits.max_explain:
        raise RequestError(
            f"explain: expected at most {limits.max_explain} items of all queries, got {explained}"
        )
    return Wishes(
        k=k,
        weights=body.weights,
        context=body.context,
        filters=body.filters,
        exclude=typed_keys(body.exclude, schema.item.key, what="exclude", most=limits.max_exclude),
        rules=body.rules,
        diversity=None if body.diversity is None else _given(body.diversity),
        explain=body.explain,
        at=body.at,
    )


def events_of(body: EventsRequest, schema: Schema, limits: HttpSettings) -> list[Event]:
    """Return the events of a body; RequestError for more than ``max_batch``."""
    if len(body.events) > limits.max_batch:
        raise RequestError(f"events: expected at most {limits.max_batch}, got {len(body.events)}")
    query, item = schema.query.key, schema.item.key
    return [
        Event(typed_key(each.query, query), typed_key(each.item, item), each.at, each.values)
        for each in body.events
    ]


def _given(diversity: Diversity) -> DiversityWish:
    """Return what a body says of diversity, and nothing that it leaves out."""
    return cast(DiversityWish, diversity.model_dump(exclude_unset=True))


def limited_k(k: int | None, most: int) -> int | None:
    """Return k, which must be from 1 to ``most``; RequestError where it is not."""
    if k is not None and not 1 <= k <= most:
        raise RequestError(f"k: expected 1 to {most}, got {k}")
    return k


def read_filters(text: str | None) -> Filters | None:
    """Return the filters of a query string, which are JSON; RequestValidationError where they are not."""
    return None if text is None else _read(_FILTERS, text, "filters")


def read_rules(text: str | None) -> Rules | None:
    """Return the rules of a query string; as ``read_filters``."""
    return None if text is None else _read(_RULES, text, "rules")


def _read(adapter: TypeAdapter[T], text: str, name: str) -> T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise RequestValidationError([{**f, "loc": ("query", name, *f["loc"])} for f in faults]) from error


def typed_keys(keys: Sequence[Key], column: Column, *, what: str, most: int) -> list[Key]:
    """Return at most so many join keys in the registry's type; RequestError for more of them."""
    if len(keys) > most:
        raise RequestError(f"{what}: expected at most {most} keys, got {len(keys)}")
    return [typed_key(key, column) for key in keys]


def typed_key(key: Key, column: Column) -> Key:
    """Return a join key, as a number where the registry says so and it came as digits.

    JavaScript loses digits of integers beyond 2**53, and what stands in a path is always text. A key that
    does not fit stays as it came: the recommender says what is wrong with it.
    """
    if column.dtype.base == "int" and isinstance(key, str) and re.fullmatch(r"-?[0-9]{1,19}", key):
        return int(key)
    return key
