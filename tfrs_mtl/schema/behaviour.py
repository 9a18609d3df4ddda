"""Checking each declared behaviour view against the registry's view of the same name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfrs_mtl.errors import Problem, nearest
from tfrs_mtl.schema.catalogue import Column, View
from tfrs_mtl.schema.resolved import Feature
from tfrs_mtl.spec import BehaviourView, Measure, Spec

_NUMBERS = ("int", "float")


def behaviour_problems(
    spec: Spec,
    view: View,
    declared: BehaviourView,
    *,
    events: View,
    keys: tuple[Column, Column],
    items: Sequence[Feature],
    file: str,
) -> list[Problem]:
    """Return all contradictions: the entity, the source, each field's type, each column that is read."""
    where = f"{file}: behaviour.views.{view.name}"
    found = [*_shape(view, declared, keys, items)]
    for name, measure in declared.features.items():
        found += [
            (f"features.{name}{tail}", what) for tail, what in _feature(spec, view, declared, name, measure)
        ]
        found += [(f"features.{name}.{key}", what) for key, what in _columns(spec, measure, events, (*keys,))]
        if measure.measure == "ages" and not _is_last(declared, measure.of):
            lasts = [n for n, m in declared.features.items() if m.measure == "last"]
            found.append(
                (f"features.{name}.of", f"no `last` feature {measure.of!r}; {nearest(measure.of, lasts)}")
            )
    return [Problem(f"{where}.{key}" if key else where, what) for key, what in found]


def _is_last(declared: BehaviourView, name: str) -> bool:
    measure = declared.features.get(name)
    return measure is not None and measure.measure == "last"


def _shape(
    view: View, declared: BehaviourView, keys: tuple[Column, Column], items: Sequence[Feature]
) -> Iterator[tuple[str, str]]:
    query_key, item_key = keys
    owner = item_key if declared.of == "item" else query_key
    held = [c.name for c in view.keys]
    if held != [owner.name]:
        yield "of", f"view {view.name!r} is keyed by {held}, but `of: {declared.of}` needs [{owner.name!r}]"
    if view.source.path is None:
        yield (
            "",
            f"its source is a {view.source.kind}; snapshots are written to parquet: use a local FileSource",
        )
    if isinstance(declared.of, tuple):
        attribute = declared.of[1]
        names = [f.column for f in items if not f.dtype.is_list]
        if attribute != "item" and attribute not in names:
            yield (
                "of",
                f"no scalar item feature {attribute!r} in the item's service; {nearest(attribute, ['item', *names])}",
            )
        field = item_key.name if attribute == "item" else attribute
        column = view.column(field)
        if column is None or not column.dtype.is_list or column.dtype.base not in ("int", "string"):
            yield (
                "of",
                f"view {view.name!r} needs a field {field!r} of type Array(String) or Array(Int64) for the keys",
            )


def _feature(
    spec: Spec, view: View, declared: BehaviourView, name: str, measure: Measure
) -> Iterator[tuple[str, str]]:
    column = next((c for c in view.columns if c.name == name), None)
    if column is None:
        yield "", f"view {view.name!r} has no field {name!r}; {nearest(name, [c.name for c in view.columns])}"
        return
    listed = declared.is_pair or measure.measure in ("last", "ages")
    if declared.is_pair and measure.measure in ("last", "ages"):
        yield ".measure", f"{measure.measure!r} is a list already and does not fit a pair view"
    elif column.dtype.is_list != listed:
        yield "", f"field {name!r} is {column.dtype.text}; {'a list' if listed else 'a scalar'} was expected"
    valid = ("int", "string") if measure.measure == "last" else _NUMBERS
    if measure.measure not in ("count", "distinct", "sum", "last"):
        valid = ("float",)
    if column.dtype.base not in valid:
        yield "", f"field {name!r} is {column.dtype.text}; {measure.measure} gives {' or '.join(valid)}"


def _columns(
    spec: Spec, measure: Measure, events: View, keys: tuple[Column, ...]
) -> Iterator[tuple[str, str]]:
    delayed = {task.label for task in spec.ranking.tasks if task.delay is not None}
    names = [c.name for c in events.columns]
    for key in ("column", "where", "given"):
        wanted = getattr(measure, key, None)
        if wanted is None:
            continue
        column = events.column(wanted)
        if column is None:
            yield key, f"view {events.name!r} has no column {wanted!r}; {nearest(wanted, names)}"
        elif wanted in delayed:
            yield key, f"{wanted!r} is a delayed label: it is not known yet at the time of the snapshot"
        elif key != "column" and column.dtype.base not in ("bool", "int"):
            yield key, f"{wanted!r} is {column.dtype.text}; a boolean or 0/1 column was expected"
        elif (
            measure.measure in ("sum", "mean")
            and key == "column"
            and column.dtype.base not in (*_NUMBERS, "bool")
        ):
            yield key, f"{wanted!r} is {column.dtype.text}; a number was expected"
