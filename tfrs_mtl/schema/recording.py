"""Which views of the query follow its events, and whether events can reach them."""

from __future__ import annotations

from tfrs_mtl.errors import listing
from tfrs_mtl.schema.catalogue import Catalogue, View
from tfrs_mtl.schema.report import Report
from tfrs_mtl.schema.resolved import Schema
from tfrs_mtl.spec import BehaviourView

_KEY = "serving.record"


def histories(schema: Schema) -> tuple[tuple[View, BehaviourView], ...]:
    """Return the views that events bring up to date: the query's own with a `last` or a `recency`."""
    service = schema.query.service
    served = {selection.view.name for selection in service.selections} if service is not None else set()
    measures = ("last", "recency")
    return tuple(
        (view, declared)
        for view, declared in schema.behaviour
        if declared.of == "query"
        and view.name in served
        and any(measure.measure in measures for measure in declared.features.values())
    )


def check_recording(schema: Schema, catalogue: Catalogue, report: Report) -> None:
    """Note what keeps events from the views that ``serving.record`` is to push them to."""
    if not schema.spec.serving.record:
        return
    wanted = [view for view, _ in histories(schema)]
    for view in wanted:
        if view.push is None:
            report.say(
                _KEY,
                f"feature view {view.name!r} has no push source, so no event can reach it; give it "
                "source=PushSource(name=..., batch_source=<its source>) and run `feast apply`",
            )
    if not wanted and schema.events.push is None:
        report.say(
            _KEY,
            "there is nothing to push: no view of the query holds a `last` or `recency`, and the "
            f"interactions {schema.events.name!r} have no push source",
        )
    for view in (*wanted, schema.events):
        sharing = [v.name for v in catalogue.views.values() if v.push is not None and v.push == view.push]
        if len(sharing) > 1:
            report.say(
                _KEY,
                f"push source {view.push!r} feeds {listing(sharing)}, whose columns differ; give each one",
            )
