"""Which features are sensitive: used by the models, but kept out of logs, explanations and reports."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tfrs_mtl.errors import nearest
from tfrs_mtl.schema.catalogue import Catalogue
from tfrs_mtl.schema.report import Report
from tfrs_mtl.schema.resolved import Feature, Schema


def find_sensitive(schema: Schema, catalogue: Catalogue, report: Report) -> frozenset[str]:
    """Return the full names of the features that the spec calls sensitive.

    Arrays that are parallel go together: a history with its ages, the fields of a pair view; and a pair view
    goes with the item's attribute that it is looked up by. An item feature that people are shown is none.
    """
    features = [*schema.query.fetched, *schema.item.fetched, *schema.context]
    chosen: set[str] = set()
    for position, name in enumerate(schema.spec.sensitive):
        meant = {f.name for f in features if name in (f.column, f"{f.view}:{f.column}")}
        if not meant:
            _tell(name, f"sensitive.{position}", schema, features, catalogue, report)
        for shown in meant & set(schema.display):
            what = f"{name!r} is shown to people: {shown!r} is in `item.display`"
            report.say(f"sensitive.{position}", what)
        chosen |= meant
    for group in _parallel(schema):
        if chosen & group:
            chosen |= group - {feature.name for feature in schema.item.fetched}
    return frozenset(chosen)


def _parallel(schema: Schema) -> Iterator[set[str]]:
    """Yield names of features of which one would tell of the others."""
    for feature in schema.query.fetched:
        if feature.ages is not None:
            yield {feature.name, feature.ages}
    for pair in schema.pairs:
        yield {pair.attribute, pair.keys, *(feature.name for feature in pair.features)}


def _tell(
    name: str,
    where: str,
    schema: Schema,
    features: Collection[Feature],
    catalogue: Catalogue,
    report: Report,
) -> None:
    """Say why a name is no feature; one that only another service has hides nothing, and is no fault."""
    if name in (schema.query.key.name, schema.item.key.name):
        report.say(where, f"{name!r} is a join key: logs and answers cannot do without it")
        return
    elsewhere = {
        known for v in catalogue.views.values() for c in v.columns for known in (c.name, f"{v.name}:{c.name}")
    }
    if name in elsewhere:
        report.say(where, f"neither service has {name!r}, so nothing is hidden by it", "hint")
    else:
        report.say(where, f"no feature of that name is used; {nearest(name, [f.column for f in features])}")
