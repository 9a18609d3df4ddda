"""What a request may ask for, checked: every miss names the key, what came and what would be right."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import ValidationError

from serving.answer import Key, Value
from serving.state import Rule
from serving.wishes import Condition, DiversityWish
from tfrs_mtl.dataset.interactions import microseconds
from tfrs_mtl.errors import RequestError, nearest
from tfrs_mtl.schema import Column, Schema
from tfrs_mtl.spec import Diversity
from tfrs_mtl.store import arrow_type, whole_seconds

LARGEST_K = 10_000


@dataclass(frozen=True)
class Request:
    """n queries that ask for the same.

    Attributes:
        queries: their join keys as they came.
        keys: the same in the registry's type, [n].
        at: the moment of the request; features expire by it.
        weights: task -> weight in the objective.
        context: feature -> [n], what the request knows.
        exclude: join keys of items that must not come.
        filters: as they came.
        allowed: what the filters let through, [items]; None where it is everything.
        rules: the rules that hold.
        diversity: how much the items should differ.
        caps: (full name of an item feature, at most so many items of one value).
        explain: whether the answers say why.
        id: what the answers and the log call it.
        began: when its deadline began to run, by ``time.monotonic``.
        until: when it must be answered, by the same clock; infinite without ``serving.budget``.
    """

    queries: tuple[Key, ...]
    keys: pa.Array
    at: datetime
    k: int
    weights: Mapping[str, float]
    context: Mapping[str, pa.Array]
    exclude: pa.Array
    filters: Mapping[str, Condition]
    allowed: NDArray[np.bool_] | None
    rules: tuple[Rule, ...]
    diversity: Diversity
    caps: tuple[tuple[str, int], ...]
    explain: bool
    id: str = field(default_factory=lambda: uuid4().hex)
    began: float = field(default_factory=time.monotonic)
    until: float = math.inf

    @property
    def is_diverse(self) -> bool:
        """Whether more than scores and rules decide who comes."""
        return self.diversity.mmr > 0 or bool(self.caps)

    @property
    def times(self) -> NDArray[np.int64]:
        """The moment of each query in microseconds, [n]."""
        return np.full(len(self.keys), microseconds(self.at), np.int64)


def checked_keys(key: Column, values: Sequence[Key], *, what: str) -> pa.Array:
    """Return join keys in the registry's type; RequestError for the first of another type."""
    expected = int if key.dtype.base == "int" else str
    for value in values:
        if type(value) is not expected:
            raise RequestError(
                f"{what}: {key.name!r} is {key.dtype.text}: expected {expected.__name__}, "
                f"got {type(value).__name__} {value!r}"
            )
    try:
        return pa.array(values, arrow_type(key.dtype))
    except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError) as error:
        raise RequestError(f"{what}: {key.name!r} is {key.dtype.text}: {error}") from error


def checked_k(k: int) -> int:
    """Return k, which must be a whole number from 1 to LARGEST_K."""
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= LARGEST_K:
        raise RequestError(f"k: expected 1 to {LARGEST_K}, got {k!r}")
    return k


def checked_weights(schema: Schema, weights: Mapping[str, float]) -> Mapping[str, float]:
    """Return the weights, which must be finite and of tasks of the bundle."""
    tasks = [task.name for task in schema.spec.ranking.tasks]
    for name, weight in weights.items():
        if name not in tasks:
            raise RequestError(f"weights: no task {name!r}; {nearest(name, tasks)}")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not np.isfinite(weight):
            raise RequestError(f"weights.{name}: expected a finite number, got {weight!r}")
    return weights


def checked_context(schema: Schema, context: Mapping[str, Value], *, size: int) -> dict[str, pa.Array]:
    """Return what the request knows by feature name, [size], in the registry's types."""
    features = {feature.column: feature for feature in schema.context}
    given = {}
    for name, value in context.items():
        if name not in features:
            raise RequestError(f"context: no feature {name!r}; {nearest(name, list(features))}")
        feature = features[name]
        try:
            column = pa.array([value] * size, arrow_type(feature.dtype))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError) as error:
            raise RequestError(f"context.{name}: expected {feature.dtype.text}, got {value!r}") from error
        given[feature.name] = whole_seconds(column) if feature.kind == "timestamp" else column
    return given


def checked_diversity(usual: Diversity, wish: DiversityWish) -> Diversity:
    """Return how much the items should differ: as the request wishes, else as usual."""
    try:
        return Diversity.model_validate({**usual.model_dump(), **wish}) if wish else usual
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(map(str, fault["loc"]))
        raise RequestError(f"diversity.{key}: {fault['msg']}, got {fault['input']!r}") from error
