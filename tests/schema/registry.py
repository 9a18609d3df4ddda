"""A registry in plain values, without Feast, to bend for a test; it fits tests/spec/examples.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.spec.examples import content
from tfrs_mtl.schema import (
    Catalogue,
    Column,
    DType,
    Entity,
    Schema,
    Selection,
    Service,
    Source,
    View,
    examine,
)
from tfrs_mtl.spec import parse_spec

_BASES = {"Int": "int", "Flo": "float", "Str": "string", "Uui": "string", "Boo": "bool", "Uni": "timestamp"}


def column(name: str, text: str) -> Column:
    """Return a column of a type in Feast's words."""
    inner = text.removeprefix("Array(").removesuffix(")")
    return Column(name, DType(_BASES.get(inner[:3], "unsupported"), inner != text, text))  # type: ignore[arg-type]


def view(name: str, keys: dict[str, str], fields: dict[str, str], **changes: Any) -> View:
    """Return a file-backed view, with the join keys and fields of the given types."""
    made = View(
        name=name,
        entities=tuple(key.removesuffix("_id") for key in keys),
        keys=tuple(column(*item) for item in keys.items()),
        columns=tuple(column(*item) for item in fields.items()),
        ttl=timedelta(days=30),
        source=Source("FileSource", Path(f"/data/{name}.parquet"), "at", None),
    )
    return replace(made, **changes)


def selection(of: View, *, name: str | None = None, **callers: str) -> Selection:
    """Return all of a view, maybe under another name, matched with other columns of the caller."""
    keys = tuple((key.name, callers.get(key.name, key.name)) for key in of.keys)
    return Selection(of, name or of.name, of.columns, keys)


def views() -> dict[str, View]:
    """Return the views of the example, by name."""
    user, thing = {"user_id": "String"}, {"thing_id": "Int64"}
    events = {"bought": "Bool", "kept": "Int64", "price": "Float64", "device": "String", "store": "String"}
    facts = {"age": "Int64", "city": "String", "news": "Bool", "since": "UnixTimestamp"}
    counts = {"seen_7d": "Int64", "last_things": "Array(Int64)", "ages": "Array(Float32)"}
    found = [
        view("events", user | thing, events),
        view("user_facts", user, facts),
        view("user_counts", user, counts),
        view("user_brands", user, {"brand": "Array(String)", "bought": "Array(Int64)"}),
        view("thing_facts", thing, {"title": "String", "brand": "String", "cost": "Float32"}),
    ]
    return {made.name: made for made in found}


def catalogue(changed: dict[str, View] | None = None, **services: list[Selection]) -> Catalogue:
    """Return the example's registry with some views changed and some services replaced."""
    held = views() | (changed or {})
    users = [selection(held[name]) for name in ("user_facts", "user_counts", "user_brands")]
    chosen = {"users": users, "things": [selection(held["thing_facts"])]} | services
    return Catalogue(
        origin="the registry of project 'shop'",
        offline_store="duckdb",
        entities={name: Entity(name, f"{name}_id") for name in ("user", "thing", "store")},
        views=held,
        services={name: Service(name, tuple(selections)) for name, selections in chosen.items()},
    )


def found(registry: Catalogue, spec: dict[str, Any] | None = None) -> tuple[Schema | None, dict[str, str]]:
    """Return what the example resolves to, and its problems: place -> what."""
    schema, problems = examine(parse_spec(spec or content()), registry, file="r.yaml")
    told = {problem.where.removeprefix("r.yaml: "): problem.what for problem in problems}
    assert len(told) == len(problems), problems
    return schema, told


def problems(registry: Catalogue, spec: dict[str, Any] | None = None) -> dict[str, str]:
    """Return the problems alone."""
    return found(registry, spec)[1]
