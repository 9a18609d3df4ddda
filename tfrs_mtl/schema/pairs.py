"""Pair views: parallel arrays on the query, looked up by an attribute of the candidate."""

from __future__ import annotations

from tfrs_mtl.schema.catalogue import Column, DType, Selection
from tfrs_mtl.schema.report import Report
from tfrs_mtl.schema.resolved import Feature, Pair
from tfrs_mtl.schema.services import Offer
from tfrs_mtl.spec import BehaviourView, Spec


def attribute_column(declared: BehaviourView, item_key: Column) -> str:
    """Return the name of the field that holds a pair view's keys."""
    return item_key.name if declared.of[1] == "item" else declared.of[1]


def find_pairs(
    spec: Spec, query: Offer, item: Offer, item_key: Column | None, report: Report
) -> tuple[Pair, ...]:
    """Return the pair views of the query's service, in its order."""
    pairs: list[Pair] = []
    for selection in query.selections:
        declared = spec.behaviour.views.get(selection.view.name)
        if declared is None or not declared.is_pair or item_key is None:
            continue
        attribute = attribute_column(declared, item_key)
        _check_keys(selection, attribute, report)
        features = [f for f in query.features if f.view == selection.name]
        keys = next((f for f in features if f.column == attribute), None)
        match = next((f.name for f in item.features if f.column == attribute), None)
        match = item_key.name if declared.of[1] == "item" else match
        if keys is not None and match is not None:
            values = tuple(_looked_up(f) for f in features if f is not keys and f.kind != "ignore")
            pairs.append(Pair(selection.name, match, keys.name, values))
    return tuple(pairs)


def _check_keys(selection: Selection, attribute: str, report: Report) -> None:
    """Note a service that leaves a pair view's keys out; a view without them is told where it is declared."""
    held = [c.name for c in selection.view.columns]
    if attribute in held and attribute not in [c.name for c in selection.columns]:
        report.say(
            "query.features",
            f"the service leaves out {attribute!r} of the pair view {selection.name!r}, "
            "which holds the keys of its other fields",
        )


def _looked_up(feature: Feature) -> Feature:
    """Return the scalar feature that looking an array up by its key gives."""
    dtype = DType("float", False, "Float32")
    return Feature(feature.name, feature.view, feature.column, dtype, "number", feature.options)
