"""Looking for answers among the questions: labels that are also features."""

from __future__ import annotations

from collections.abc import Iterable

from tfrs_mtl.errors import Problem
from tfrs_mtl.schema.catalogue import Selection, Service, View
from tfrs_mtl.spec import Spec


def leak_problems(
    spec: Spec, events: View | None, services: Iterable[Service | None], *, file: str
) -> list[Problem]:
    """Return a problem for each label that is read as context, or as a feature of either service."""
    labels = {task.label: f"ranking.tasks.{n}.label" for n, task in enumerate(spec.ranking.tasks)}
    problems = [
        Problem(
            f"{file}: interactions.context",
            f"{name!r} is the label of {labels[name]}: it is not known beforehand",
        )
        for name in spec.interactions.context
        if name in labels
    ]
    if events is None:
        return problems
    for service in services:
        for selection in service.selections if service else ():
            for column in selection.columns:
                if column.name in labels and _same_rows(selection, events):
                    problems.append(
                        Problem(
                            f"{file}: {labels[column.name]}",
                            f"{column.name!r} is also a feature: service {service.name if service else ''!r} "
                            f"serves it from view {selection.name!r}; drop it from the service",
                        )
                    )
    return problems


def _same_rows(selection: Selection, events: View) -> bool:
    """Whether a view reads the interactions themselves: the same view, or another over the same source."""
    source = selection.view.source
    return selection.view.name == events.name or (
        source.path is not None and source.path == events.source.path
    )
