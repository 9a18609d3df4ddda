"""What the ``serving`` section says of items, held against the registry."""

from __future__ import annotations

from tfrs_mtl.errors import nearest
from tfrs_mtl.schema.catalogue import Column
from tfrs_mtl.schema.report import Report
from tfrs_mtl.schema.resolved import Feature
from tfrs_mtl.schema.services import Offer
from tfrs_mtl.spec import Pin, Spec


def check_serving(spec: Spec, item: Offer, key: Column | None, report: Report) -> None:
    """Note caps of what is no single value, live features that are none, pinned keys of another type."""
    for name in spec.serving.diversity.caps if item.is_known else ():
        where = f"serving.diversity.caps.{name}"
        found = _named(name, item.features)
        if found is None:
            names = [feature.column for feature in item.features]
            report.say(where, f"no item feature {name!r}; {nearest(name, names)}")
        elif found.dtype.is_list:
            report.say(where, f"expected one value an item, but it is {found.dtype.text}")
    for position, name in enumerate(spec.serving.live if item.is_known else ()):
        if _named(name, item.features) is None:
            names = [feature.column for feature in item.features]
            report.say(f"serving.live.{position}", f"no item feature {name!r}; {nearest(name, names)}")
    for name, rule in spec.serving.rules.items():
        for position, pinned in enumerate(rule.items if isinstance(rule, Pin) and key is not None else ()):
            assert key is not None
            expected = int if key.dtype.base == "int" else str
            if type(pinned) is not expected:
                what = f"{key.name!r} is {key.dtype.text}: expected {expected.__name__}, got {pinned!r}"
                report.say(f"serving.rules.{name}.items.{position}", what)


def _named(name: str, features: list[Feature]) -> Feature | None:
    return next((f for f in features if name in (f.column, f"{f.view}:{f.column}")), None)
