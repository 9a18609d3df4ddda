"""Checking each declared behaviour view against the registry's view of the same name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tfrs_mtl.errors import listing, nearest
from tfrs_mtl.schema.catalogue import Catalogue, Column, DType, View
from tfrs_mtl.schema.pairs import attribute_column
from tfrs_mtl.schema.report import Report
from tfrs_mtl.schema.services import KEY_TYPES, Offer
from tfrs_mtl.spec import BehaviourView, Measure, Spec

_NUMBERS = ("int", "float")


@dataclass(frozen=True)
class _Case:
    """One declared view beside the registry's, and all that it hangs on."""

    spec: Spec
    view: View
    declared: BehaviourView
    events: View
    query_key: Column
    item_key: Column
    item: Offer

    @property
    def owner(self) -> Column:
        """The join key of whom the features describe."""
        return self.item_key if self.declared.of == "item" else self.query_key

    @property
    def other(self) -> Column:
        """The join key of the other side, which `last` lists."""
        return self.query_key if self.declared.of == "item" else self.item_key

    @property
    def keys_field(self) -> str | None:
        """The field of a pair view that holds its keys."""
        return attribute_column(self.declared, self.item_key) if self.declared.is_pair else None

    @property
    def attribute(self) -> str:
        """What a pair view is of, beside the query; nothing for others."""
        return self.declared.of[1] if isinstance(self.declared.of, tuple) else ""

    @property
    def scalars(self) -> dict[str, DType]:
        """The item's scalar features, which a pair may be keyed by."""
        return {f.column: f.dtype for f in self.item.features if not f.dtype.is_list}

    @property
    def is_lost(self) -> bool:
        """Whether a pair view is keyed by what the item does not have."""
        known = self.attribute in ("", "item", *self.scalars)
        return self.item.is_known and not known


def find_behaviour(
    spec: Spec,
    catalogue: Catalogue,
    events: View | None,
    keys: tuple[Column | None, Column | None],
    item: Offer,
    report: Report,
) -> tuple[tuple[View, BehaviourView], ...]:
    """Return the registry's views that the spec declares, with their declarations."""
    found = []
    for name, declared in spec.behaviour.views.items():
        where = f"behaviour.views.{name}"
        views, place = catalogue.views, catalogue.origin
        view = report.look_up(name, views, key=where, noun="feature view", place=place)
        if view is None:
            continue
        found.append((view, declared))
        if events is None or keys[0] is None or keys[1] is None:
            continue
        case = _Case(spec, view, declared, events, keys[0], keys[1], item)
        for key, what in _problems(case):
            report.say(f"{where}.{key}" if key else where, what)
    return tuple(found)


def _problems(case: _Case) -> Iterator[tuple[str, str]]:
    yield from _shape(case)
    if case.declared.is_pair:
        yield from _pair_shape(case)
    if not case.is_lost:
        yield from _undeclared(case)
    for name, measure in case.declared.features.items():
        for tail, what in (*_field(case, name, measure), *_columns(case, measure)):
            yield f"features.{name}{tail}", what


def _shape(case: _Case) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the view as a whole: its entity, its source."""
    view, declared = case.view, case.declared
    held = [c.name for c in view.keys]
    if held != [case.owner.name]:
        of = declared.of if isinstance(declared.of, str) else f"[{', '.join(declared.of)}]"
        yield "of", f"view {view.name!r} is keyed by {held}, but `of: {of}` needs [{case.owner.name!r}]"
    if view.source.path is None:
        yield "", f"its source is a {view.source.kind}; snapshots are parquet: use a local FileSource"


def _pair_shape(case: _Case) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a pair view's keys, and with the item's feature that they are to meet."""
    if case.is_lost:
        valid = nearest(case.attribute, ["item", *case.scalars])
        yield "of", f"no scalar item feature {case.attribute!r} in the item's service; {valid}"
        return
    dtype = case.item_key.dtype if case.attribute == "item" else case.scalars.get(case.attribute)
    field = case.keys_field
    assert field is not None
    column = case.view.column(field)
    if column is None or not column.dtype.is_list or column.dtype.base not in KEY_TYPES:
        came = f"which is {column.dtype.text}" if column else "which it lacks"
        yield (
            "of",
            f"view {case.view.name!r} holds its keys in {field!r}, {came}; "
            "Array(String) or Array(Int64) was expected",
        )
    elif dtype is not None and dtype.base != column.dtype.base:
        what = f"field {field!r} of view {case.view.name!r} is {column.dtype.text}"
        yield "of", f"{what}, but the item's {field!r} is {dtype.text}: the two would never meet"


def _undeclared(case: _Case) -> Iterator[tuple[str, str]]:
    """Yield fields that nothing would fill: the builder writes whole views."""
    declared = {*case.declared.features, case.keys_field}
    extra = [c.name for c in case.view.columns if c.name not in declared]
    if extra:
        yield (
            "features",
            f"view {case.view.name!r} has fields that no feature here fills: {listing(extra)}; "
            "declare them, or drop them from the view",
        )


def _field(case: _Case, name: str, measure: Measure) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the field that a feature fills."""
    column = next((c for c in case.view.columns if c.name == name), None)
    if column is None:
        names = [c.name for c in case.view.columns]
        yield "", f"view {case.view.name!r} has no field {name!r}; {nearest(name, names)}"
        return
    is_listing = measure.measure in ("last", "ages")
    wanted = "a list" if case.declared.is_pair or is_listing else "a scalar"
    if case.declared.is_pair and is_listing:
        yield ".measure", f"{measure.measure!r} is a list already and does not fit a pair view"
    elif column.dtype.is_list != (wanted == "a list"):
        yield "", f"field {name!r} is {column.dtype.text}; {wanted} was expected"
    if measure.measure == "last":
        if column.dtype.base != case.other.dtype.base:
            other = f"{case.other.name!r}, which is {case.other.dtype.text}"
            yield "", f"field {name!r} is {column.dtype.text}, but lists values of {other}"
        return
    valid = _NUMBERS if measure.measure in ("count", "distinct", "sum") else ("float",)
    if column.dtype.base not in valid:
        numbers = "Int or Float" if len(valid) > 1 else "Float32 or Float64"
        yield "", f"field {name!r} is {column.dtype.text}; {measure.measure} gives {numbers}"


def _columns(case: _Case, measure: Measure) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the columns that a feature reads, and with the list that ages belong to."""
    delayed = {task.label for task in case.spec.ranking.tasks if task.delay is not None}
    for key in ("column", "where", "given"):
        wanted = getattr(measure, key, None)
        if wanted is None:
            continue
        column = case.events.column(wanted)
        if column is None:
            names = [c.name for c in case.events.columns]
            yield f".{key}", f"view {case.events.name!r} has no column {wanted!r}; {nearest(wanted, names)}"
        elif wanted in delayed:
            yield f".{key}", f"{wanted!r} is a delayed label: it is not known yet when the snapshot is taken"
        elif key != "column" and (column.dtype.base not in ("bool", "int") or column.dtype.is_list):
            yield f".{key}", f"{wanted!r} is {column.dtype.text}; a boolean or 0/1 column was expected"
        elif key == "column" and measure.measure in ("sum", "mean") and not _is_number(column):
            yield f".{key}", f"{wanted!r} is {column.dtype.text}; a number was expected"
    if measure.measure == "ages":
        lasts = [name for name, m in case.declared.features.items() if m.measure == "last"]
        if measure.of not in lasts:
            yield ".of", f"no `last` feature {measure.of!r}; {nearest(measure.of, lasts)}"


def _is_number(column: Column) -> bool:
    return column.dtype.base in (*_NUMBERS, "bool") and not column.dtype.is_list
