"""A column of a service as a feature: its kind, its overrides, the ages that belong to a history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tfrs_mtl.errors import nearest
from tfrs_mtl.schema.catalogue import Column, Selection
from tfrs_mtl.schema.report import Report
from tfrs_mtl.schema.resolved import Feature
from tfrs_mtl.spec import BehaviourView, Input, Kind, Last, Spec

_KIND_OF_SCALAR: Mapping[str, Kind] = {
    "int": "number",
    "float": "number",
    "string": "category",
    "bool": "boolean",
    "timestamp": "timestamp",
}
_KIND_OF_LIST: Mapping[str, Kind] = {"int": "categories", "string": "categories", "float": "vector"}
_VALID_TYPES: Mapping[Kind, frozenset[tuple[str, bool]]] = {
    "category": frozenset({("int", False), ("string", False), ("bool", False)}),
    "number": frozenset({("int", False), ("float", False)}),
    "boolean": frozenset({("bool", False), ("int", False)}),
    "timestamp": frozenset({("timestamp", False)}),
    "categories": frozenset({("int", True), ("string", True)}),
    "text": frozenset({("string", False)}),
    "history": frozenset({("int", True), ("string", True)}),
    "vector": frozenset({("float", True), ("int", True)}),
}


class Inputs:
    """The overrides of the spec, and the features that each was used for."""

    def __init__(self, given: Mapping[str, Input]) -> None:
        self._given = given
        self.uses: dict[str, list[str]] = {key: [] for key in given}

    def of(self, view: str, column: str) -> tuple[Input, str]:
        """Return a feature's overrides and their place in the spec; the full name goes before the bare."""
        for key in (f"{view}:{column}", column):
            if key in self._given:
                self.uses[key].append(view)
                return self._given[key], f"inputs.{key}"
        return Input(), f"inputs.{view}:{column}"


def feature_of(
    selection: Selection, column: Column, spec: Spec, inputs: Inputs, report: Report
) -> Feature | None:
    """Return a column as a feature; None, and a problem, if no model can take it.

    None without a problem for a column of a foreign type that is to be ignored: it cannot even be read.
    """
    declared = spec.behaviour.views.get(selection.view.name)
    if declared is not None and declared.is_pair:
        return _array_of(selection, column, declared, inputs, report)
    options, where = inputs.of(selection.name, column.name)
    kind = options.kind or _default_kind(selection, column, spec)
    if kind == "ignore" and column.dtype.base == "unsupported":
        return None
    if kind is None or (kind != "ignore" and not _takes(kind, column)):
        wanted = f"as {kind!r}" if kind else "as a model input"
        report.say(
            where,
            f"type {column.dtype.text} of {selection.name}:{column.name} cannot be used {wanted}; "
            f"{_remedy(column)}drop it from the service, or set `kind: ignore`",
        )
        return None
    ages = options.ages or _declared_ages(selection.view.name, column.name, spec)
    return Feature(
        name=f"{selection.name}__{column.name}",
        view=selection.name,
        column=column.name,
        dtype=column.dtype,
        kind=kind,
        options=options,
        ages=f"{selection.name}__{ages}" if ages else None,
    )


def _array_of(
    selection: Selection, column: Column, declared: BehaviourView, inputs: Inputs, report: Report
) -> Feature | None:
    """Return a field of a pair view, which no model sees as it is.

    The keys have the name of the item's attribute, and overrides of that name are meant for the attribute.
    What cannot be an array of a pair is told with the view's declaration.
    """
    is_keys = column.name not in declared.features
    options, where = (Input(), "") if is_keys else inputs.of(selection.name, column.name)
    if options.kind not in (None, "number", "ignore"):
        what = "a feature of a pair is looked up as a number; it may be ignored"
        report.say(f"{where}.kind", f"{what}; got {options.kind!r}")
    kind = _KIND_OF_LIST.get(column.dtype.base) if column.dtype.is_list else None
    if kind is None:
        return None
    return Feature(
        name=f"{selection.name}__{column.name}",
        view=selection.name,
        column=column.name,
        dtype=column.dtype,
        kind="ignore" if options.kind == "ignore" else kind,
        options=options,
    )


def _takes(kind: Kind, column: Column) -> bool:
    return (column.dtype.base, column.dtype.is_list) in _VALID_TYPES[kind]


def _remedy(column: Column) -> str:
    kinds = [kind for kind in _VALID_TYPES if _takes(kind, column)]
    return f"its kind may be {' or '.join(kinds)}; or " if kinds else ""


def _default_kind(selection: Selection, column: Column, spec: Spec) -> Kind | None:
    declared = spec.behaviour.views.get(selection.view.name)
    measure = declared.features.get(column.name) if declared else None
    if isinstance(measure, Last):
        return "history" if declared is not None and declared.of == "query" else "ignore"
    table = _KIND_OF_LIST if column.dtype.is_list else _KIND_OF_SCALAR
    return table.get(column.dtype.base)


def _declared_ages(view: str, column: str, spec: Spec) -> str | None:
    declared = spec.behaviour.views.get(view)
    if declared is None:
        return None
    measures = declared.features.items()
    return next((name for name, m in measures if m.measure == "ages" and m.of == column), None)


def check_inputs(inputs: Inputs, features: Iterable[Feature], keys: list[str], report: Report) -> None:
    """Note overrides that found no feature, and those that found more than one by a bare name."""
    found = list(features)
    names = sorted({f.column for f in found} | {f"{f.view}:{f.column}" for f in found} | set(keys))
    for key, views in inputs.uses.items():
        if not views and key not in keys:
            report.say(f"inputs.{key}", f"no feature of that name is used; {nearest(key, names)}")
        elif len(views) > 1:
            places = " and ".join(f"{view}:{key}" for view in views)
            report.say(f"inputs.{key}", f"holds for {places}; name one of them to mean it alone", "hint")


def check_histories(
    query: list[Feature], item: list[Feature], item_key: Column | None, report: Report
) -> None:
    """Note histories that do not hold item ids, stand on the wrong side, or lack their ages."""
    by_name = {feature.name: feature for feature in query}
    for feature in query:
        where = f"inputs.{feature.column}"
        if feature.kind == "history" and item_key is not None and feature.dtype.base != item_key.dtype.base:
            report.say(
                f"{where}.kind",
                f"{feature.view}:{feature.column} is {feature.dtype.text}, but a history holds values of the "
                f"item's join key {item_key.name!r}, which is {item_key.dtype.text}",
            )
        if feature.ages is not None:
            _check_ages(feature, by_name.get(feature.ages), f"{where}.ages", report)
    for feature in item:
        if feature.kind == "history":
            report.say(f"inputs.{feature.column}.kind", "a history belongs to the query, not to the item")


def _check_ages(feature: Feature, ages: Feature | None, where: str, report: Report) -> None:
    if ages is None or not ages.dtype.is_list or ages.dtype.base not in ("int", "float"):
        assert feature.ages is not None
        name = feature.ages.removeprefix(f"{feature.view}__")
        report.say(where, f"{name!r} is no list of numbers among what the service takes of {feature.view!r}")


def check_names(query: list[Feature], item: list[Feature], report: Report) -> None:
    """Note features that would have one name: a view in both services, or names that join to the same."""
    seen: dict[str, Feature] = {}
    told: set[tuple[str, str]] = set()
    for side, features in (("query", query), ("item", item)):
        for feature in features:
            other = seen.setdefault(feature.name, feature)
            if other is feature or (feature.view, other.view) in told:
                continue
            told.add((feature.view, other.view))
            report.say(
                f"{side}.features",
                f"{feature.view}:{feature.column} and {other.view}:{other.column} have one name, "
                f"{feature.name!r}; give one view another name in its service: {feature.view}.with_name(...)",
            )
