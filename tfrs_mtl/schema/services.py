"""The feature service of a side: its views, whether Feast and we can read them, their features."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tfrs_mtl.errors import Problem
from tfrs_mtl.schema.catalogue import Catalogue, Column, Selection, Service
from tfrs_mtl.schema.features import Inputs, feature_of
from tfrs_mtl.schema.report import Report
from tfrs_mtl.schema.resolved import Feature
from tfrs_mtl.spec import Spec

KEY_TYPES = ("int", "string")
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Offer:
    """What a side's service offers.

    Attributes:
        is_known: False where the spec names a service that the registry lacks: nothing follows then.
    """

    service: Service | None
    features: list[Feature]
    is_known: bool

    @property
    def selections(self) -> tuple[Selection, ...]:
        """The views of the service, each as it uses it."""
        return self.service.selections if self.service else ()


def read_service(
    name: str | None,
    join_key: Column | None,
    *,
    key: str,
    spec: Spec,
    catalogue: Catalogue,
    inputs: Inputs,
    report: Report,
) -> Offer:
    """Return the features of one side's service."""
    if name is None:
        return Offer(None, [], True)
    services = catalogue.services
    service = report.look_up(name, services, key=key, noun="feature service", place=catalogue.origin)
    if service is None:
        return Offer(None, [], False)
    for foreign in service.foreign:
        report.say(
            key,
            f"service {name!r} uses {foreign!r}, which is an on-demand view, or none of the registry: "
            "write its output to a plain feature view",
        )
    features = []
    for selection in service.selections:
        _check_key(selection, join_key, key, report)
        report.say_all(_ttl_problems(selection, catalogue))
        found = (feature_of(selection, column, spec, inputs, report) for column in selection.columns)
        features += [feature for feature in found if feature is not None]
    return Offer(service, features, True)


def _check_key(selection: Selection, join_key: Column | None, key: str, report: Report) -> None:
    """Note a view that cannot be read by the side's join key alone."""
    if join_key is None:
        return
    view, callers = selection.view, [caller for _, caller in selection.join_keys]
    if not view.entities or not callers or callers == ["__dummy_id"]:
        what = f"view {selection.name!r} has no entity, so it says the same of every {join_key.name!r}"
        report.say(key, f"{what}; drop it from the service")
    elif callers != [join_key.name]:
        report.say(
            key,
            f"view {selection.name!r} is keyed by {callers}, expected [{join_key.name!r}] alone: features of "
            "a query together with an item, or with an attribute of it, go into a behaviour view with "
            "`of: [query, <attribute>]`; a view of an entity of the same kind takes .with_join_key_map()",
        )
    elif join_key.dtype.base in KEY_TYPES and view.keys[0].dtype.base != join_key.dtype.base:
        report.say(
            key,
            f"join key {join_key.name!r} is {view.keys[0].dtype.text} in view {selection.name!r}, but "
            f"{join_key.dtype.text} in the interactions: the two would never meet",
        )


def _ttl_problems(selection: Selection, catalogue: Catalogue) -> list[Problem]:
    ttl = selection.view.ttl
    if ttl is None or not catalogue.is_duckdb or ttl < _DAY or not ttl % _DAY:
        return []
    whole = _DAY * max(1, round(ttl / _DAY))
    what = f"{ttl} mixes days and smaller units, which Feast's duckdb store refuses"
    remedy = f"use whole days, such as timedelta(days={whole.days}), or less than one day"
    return [Problem(f"feature view {selection.view.name!r}: ttl", f"{what}; {remedy}")]
