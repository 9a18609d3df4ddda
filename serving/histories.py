"""Which views of the query follow its events, and whether events can reach them."""

from __future__ import annotations

from tfrs_mtl.errors import Problem, SpecError, listing
from tfrs_mtl.project import Project
from tfrs_mtl.schema import Schema, View
from tfrs_mtl.spec import BehaviourView


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


def check_recording(project: Project) -> None:
    """Refuse a ``serving.record`` for which the registry lacks the push sources.

    Raises:
        SpecError: names the view, and what to declare.
    """
    schema, views = project.schema, project.repo.catalogue.views.values()
    wanted = [view for view, _ in histories(schema)]
    problems = [
        f"feature view {view.name!r} has no push source, so no event can reach it; give it "
        f"source=PushSource(name=..., batch_source=<its source>) and run `feast apply`"
        for view in wanted
        if view.push is None
    ]
    if not wanted and schema.events.push is None:
        problems.append(
            "there is nothing to push: no view of the query holds a `last` or `recency`, and the "
            f"interactions {schema.events.name!r} have no push source"
        )
    for view in (*wanted, schema.events):
        sharing = sorted(v.name for v in views if v.push is not None and v.push == view.push)
        if len(sharing) > 1:
            problems.append(
                f"push source {view.push!r} feeds {listing(sharing)}, whose columns differ; give each its own"
            )
    if problems:
        raise SpecError([Problem("serving.record", problem) for problem in problems])
