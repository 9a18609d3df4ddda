"""The interactions view: the join keys of both sides, the labels, the context."""

from __future__ import annotations

from tfrs_mtl.errors import listing, nearest
from tfrs_mtl.schema.catalogue import Catalogue, Column, Selection, View
from tfrs_mtl.schema.features import Inputs, feature_of
from tfrs_mtl.schema.report import Report
from tfrs_mtl.schema.resolved import Feature
from tfrs_mtl.schema.services import KEY_TYPES
from tfrs_mtl.spec import Spec, Task


def find_events(spec: Spec, catalogue: Catalogue, report: Report) -> View | None:
    """Return the interactions view, if the registry has it."""
    name, key = spec.interactions.view, "interactions.view"
    events = report.look_up(name, catalogue.views, key=key, noun="feature view", place=catalogue.origin)
    if events is not None and not events.source.timestamp:
        report.say(key, f"view {name!r} has {events.source.kind}, so its rows cannot be read")
    return events


def find_key(
    entity: str, key: str, events: View | None, catalogue: Catalogue, report: Report
) -> Column | None:
    """Return an entity's join key as the interactions hold it: as a join key of theirs, or as a field."""
    entities = catalogue.entities
    found = report.look_up(entity, entities, key=key, noun="entity", place=catalogue.origin)
    if found is None or events is None:
        return None
    column = events.column(found.join_key)
    if column is None:
        held = [c.name for c in events.keys + events.columns]
        report.say(
            "interactions.view",
            f"view {events.name!r} lacks {found.join_key!r}, the join key of entity {entity!r}; "
            f"it has {listing(held)}",
        )
    elif column.dtype.base not in KEY_TYPES or column.dtype.is_list:
        report.say(
            key,
            f"join key {found.join_key!r} is {column.dtype.text} in view {events.name!r}; "
            "Int32, Int64, String and Uuid are supported",
        )
    return column


def check_two_keys(spec: Spec, query: Column | None, item: Column | None, report: Report) -> None:
    """Note a join key that would stand for both sides."""
    if query is not None and item is not None and query.name == item.name:
        report.say(
            "item.entity",
            f"{spec.item.entity!r} and the query's {spec.query.entity!r} have the same join key "
            f"{item.name!r}: give the item an entity with a join key of its own",
        )


def find_labels(spec: Spec, events: View | None, report: Report) -> tuple[Column, ...]:
    """Return the columns of labels and of their weights, each once."""
    labels: dict[str, Column] = {}
    for position, task in enumerate(spec.ranking.tasks):
        key = f"ranking.tasks.{position}.label"
        column = _column(events, task.label, key, report)
        if column is not None:
            _check_label(task, column, key, report)
            labels[column.name] = column
    for position, task in enumerate(spec.ranking.tasks):
        key = f"ranking.tasks.{position}.weight_by"
        column = _column(events, task.weight_by, key, report) if task.weight_by is not None else None
        if column is not None:
            _check_weight(column, key, report)
            labels[column.name] = column
    return tuple(labels.values())


def _check_weight(column: Column, key: str, report: Report) -> None:
    if column.dtype.base not in ("bool", "int", "float") or column.dtype.is_list:
        report.say(key, f"{column.name!r} is {column.dtype.text}; a row's weight is a number, 0 or above")


def _check_label(task: Task, column: Column, key: str, report: Report) -> None:
    if column.dtype.base in ("bool", "int", "float") and not column.dtype.is_list:
        return
    wanted = "0, 1 and null as Bool, Int or Float" if task.kind == "binary" else "a number"
    remedy = "; write one 0/1 column a class" if column.dtype.base == "string" else ""
    report.say(key, f"{task.label!r} is {column.dtype.text}; a {task.kind} task takes {wanted}{remedy}")


def find_context(spec: Spec, events: View | None, inputs: Inputs, report: Report) -> tuple[Feature, ...]:
    """Return the context features, in the spec's order."""
    context = []
    for position, name in enumerate(spec.interactions.context):
        key = f"interactions.context.{position}"
        column = _column(events, name, key, report)
        if column is None or events is None:
            continue
        keys = tuple((c.name, c.name) for c in events.keys)
        feature = feature_of(Selection(events, events.name, (), keys), column, spec, inputs, report)
        if feature is not None and feature.kind == "history":
            report.say(key, "a history belongs to the query, not to a context")
        elif feature is not None:
            context.append(feature)
    return tuple(context)


def _column(events: View | None, name: str, key: str, report: Report) -> Column | None:
    if events is None:
        return None
    column = events.column(name)
    if column is None:
        names = [c.name for c in events.columns]
        report.say(key, f"view {events.name!r} has no column {name!r}; {nearest(name, names)}")
    return column
