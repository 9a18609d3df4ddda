"""Looking for answers among the questions: labels, and weights of rows, that are also features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tfrs_mtl.errors import Problem
from tfrs_mtl.schema.catalogue import Column, Selection, Service, View
from tfrs_mtl.spec import Spec


def leak_problems(
    spec: Spec, events: View | None, services: Iterable[Service | None], *, file: str
) -> Iterator[Problem]:
    """Yield a problem for each label or weight that is read as context, or as a feature of either service."""
    tasks = [*enumerate(spec.ranking.tasks)]
    labels = {task.weight_by: f"ranking.tasks.{n}.weight_by" for n, task in tasks if task.weight_by}
    labels |= {task.label: f"ranking.tasks.{n}.label" for n, task in tasks}
    for position, name in enumerate(spec.interactions.context):
        if name in labels:
            role = labels[name].rpartition(".")[2]
            what = f"{name!r} is the {role} of {labels[name]}: it is not known beforehand"
            yield Problem(f"{file}: interactions.context.{position}", what)
    for service in services if events is not None else ():
        for selection in service.selections if service else ():
            for column in selection.columns:
                label = _label(column, selection, labels, events)
                if label is not None and service is not None:
                    yield Problem(
                        f"{file}: {labels[label]}",
                        f"{label!r} is also a feature: service {service.name!r} serves it from view "
                        f"{selection.name!r} as {column.name!r}; drop it from the service",
                    )


def _label(column: Column, selection: Selection, labels: Iterable[str], events: View | None) -> str | None:
    """Return the label that a column is: of the interactions view, or of another view over its file."""
    if events is None:
        return None
    view = selection.view
    if view.name == events.name:
        return next((label for label in labels if label == column.name), None)
    if view.source.path is None or view.source.path != events.source.path:
        return None
    raw = view.source.raw(column.name)
    return next((label for label in labels if events.source.raw(label) == raw), None)
