"""Pair views: parallel arrays on the query, looked up by an attribute of the candidate."""

from __future__ import annotations

from tfrs_mtl.schema.catalogue import Column, DType
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
    for name, registered in query.view_names.items():
        declared = spec.behaviour.views.get(registered)
        if declared is None or not declared.is_pair or item_key is None or not item.is_known:
            continue
        pair = _pair(name, declared, query.features, item.features, item_key, report)
        pairs += [pair] if pair is not None else []
    return tuple(pairs)


def _pair(
    view: str,
    declared: BehaviourView,
    query: list[Feature],
    item: list[Feature],
    item_key: Column,
    report: Report,
) -> Pair | None:
    attribute = attribute_column(declared, item_key)
    features = [f for f in query if f.view == view]
    keys = next((f for f in features if f.column == attribute), None)
    match = next((f.name for f in item if f.column == attribute), None)
    match = item_key.name if declared.of[1] == "item" else match
    if keys is None:
        what = f"the pair view {view!r} needs its field {attribute!r} in the service"
        report.say("query.features", f"{what}: it holds the keys of the others")
    if match is None:
        what = f"the pair view {view!r} is looked up by the item feature {attribute!r}"
        report.say("item.features", f"{what}, which the item's service lacks")
    if keys is None or match is None:
        return None
    values = tuple(_looked_up(f) for f in features if f is not keys and f.kind != "ignore")
    return Pair(view, match, keys.name, values)


def _looked_up(feature: Feature) -> Feature:
    """Return the scalar feature that looking an array up by its key gives."""
    dtype = DType("float", False, "Float32")
    return Feature(feature.name, feature.view, feature.column, dtype, "number", feature.options)
