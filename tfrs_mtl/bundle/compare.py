"""Whether the live registry contradicts what a bundle was made for, difference by difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ConfigDict

from tfrs_mtl.errors import BundleError, Problem, nearest


class SideTypes(BaseModel):
    """The types of the query or the item.

    Attributes:
        entity: the entity's name.
        key: the join key's name.
        dtype: the join key's type.
        features: feature name -> type.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: str
    key: str
    dtype: str
    features: dict[str, str]


class SchemaTypes(BaseModel):
    """Names and types of everything a model takes in; ``context`` is column name -> type."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: SideTypes
    item: SideTypes
    context: dict[str, str] = {}


def contradictions(recorded: SchemaTypes, live: SchemaTypes) -> tuple[Problem, ...]:
    """Return every point in which the live registry contradicts the recorded types.

    What the live registry has beyond the record is no contradiction.
    """
    return (
        *_of_side("query", recorded.query, live.query),
        *_of_side("item", recorded.item, live.item),
        *_of_columns("context", recorded.context, live.context),
    )


def require_agreement(recorded: SchemaTypes, live: SchemaTypes, *, bundle: str) -> None:
    """Refuse a bundle that the live registry contradicts.

    Raises:
        BundleError: names the bundle and each difference.
    """
    problems = contradictions(recorded, live)
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise BundleError(
            f"bundle {bundle} was made for another registry:\n{listed}\n"
            "bring the registry back, or train again for the one it is now"
        )


def _of_side(side: str, recorded: SideTypes, live: SideTypes) -> Iterator[Problem]:
    for what, was, now in (
        ("entity", recorded.entity, live.entity),
        ("join key", recorded.key, live.key),
        (f"join key {recorded.key}", recorded.dtype, live.dtype),
    ):
        if was != now:
            yield Problem(f"{side}: {what}", f"the bundle was made for {was}, the registry has {now}")
    yield from _of_columns(f"{side}: feature", recorded.features, live.features)


def _of_columns(where: str, recorded: Mapping[str, str], live: Mapping[str, str]) -> Iterator[Problem]:
    for name, was in recorded.items():
        now = live.get(name)
        if now is None:
            yield Problem(
                f"{where} {name}", f"the bundle needs it, the registry lacks it; {nearest(name, list(live))}"
            )
        elif now != was:
            yield Problem(f"{where} {name}", f"the bundle was made for {was}, the registry has {now}")
