"""Resolving a spec against a registry. Every problem is found before the first is told."""

from __future__ import annotations

from dataclasses import replace

from tfrs_mtl.errors import Problem, RegistryError, nearest
from tfrs_mtl.schema.behaviour import find_behaviour
from tfrs_mtl.schema.catalogue import Catalogue, Column
from tfrs_mtl.schema.events import check_two_keys, find_context, find_events, find_key, find_labels
from tfrs_mtl.schema.features import Inputs, check_histories, check_inputs, check_names
from tfrs_mtl.schema.leaks import leak_problems
from tfrs_mtl.schema.pairs import find_pairs
from tfrs_mtl.schema.recording import check_recording
from tfrs_mtl.schema.report import Report
from tfrs_mtl.schema.resolved import Feature, Pair, Schema, Side
from tfrs_mtl.schema.sensitive import find_sensitive
from tfrs_mtl.schema.services import Offer, read_service
from tfrs_mtl.schema.serving import check_serving
from tfrs_mtl.spec import Input, Spec


def resolve(spec: Spec, catalogue: Catalogue, *, file: str) -> Schema:
    """Resolve names to join keys, types and roles.

    Raises:
        RegistryError: with every contradiction between the spec and the registry.
    """
    schema, problems = examine(spec, catalogue, file=file)
    errors = [problem for problem in problems if problem.severity == "error"]
    if schema is None or errors:
        raise RegistryError(errors)
    return schema


def examine(spec: Spec, catalogue: Catalogue, *, file: str) -> tuple[Schema | None, list[Problem]]:
    """Return the schema as far as it resolves (None where it does not) and all problems, hints among them."""
    report = Report(file)
    _check_store(catalogue, report)
    if not catalogue.views:
        report.say_all([Problem(catalogue.origin, "holds no feature view: run `feast apply`")])
        return None, report.problems
    return _walk(spec, catalogue, report), report.problems


def _check_store(catalogue: Catalogue, report: Report) -> None:
    if catalogue.is_dask:
        what = (
            f"{catalogue.offline_store!r} loses training rows (those that share entity and timestamp, or "
            "have no history); use 'duckdb', which reads the same files"
        )
        report.say_all([Problem("feature_store.yaml: offline_store.type", what)])


def _walk(spec: Spec, catalogue: Catalogue, report: Report) -> Schema | None:
    """Go through the spec once, from the events to what hangs on everything else."""
    inputs = Inputs(spec.inputs)
    events = find_events(spec, catalogue, report)
    query_key = find_key(spec.query.entity, "query.entity", events, catalogue, report)
    item_key = find_key(spec.item.entity, "item.entity", events, catalogue, report)
    check_two_keys(spec, query_key, item_key, report)
    query, item = (
        read_service(name, key, key=where, spec=spec, catalogue=catalogue, inputs=inputs, report=report)
        for name, key, where in (
            (spec.query.features, query_key, "query.features"),
            (spec.item.features, item_key, "item.features"),
        )
    )
    labels = find_labels(spec, events, report)
    context = find_context(spec, events, inputs, report)
    display = _find_display(spec, item, report)
    check_serving(spec, item, item_key, report)
    behaviour = find_behaviour(spec, catalogue, events, (query_key, item_key), item, report)
    pairs = find_pairs(spec, query, item, item_key, report)
    check_names(query.features, item.features, report)
    check_histories(query.features, item.features, item_key, report)
    if query.is_known and item.is_known and events is not None:
        features = [*query.features, *item.features, *context]
        check_inputs(inputs, features, [k.name for k in (query_key, item_key) if k], report)
    report.say_all(leak_problems(spec, events, (query.service, item.service), file=report.file))
    if events is None or query_key is None or item_key is None:
        return None
    schema = Schema(
        spec=spec,
        query=_side(spec, spec.query.entity, query_key, query, _hidden(query.features, pairs), report),
        item=_side(spec, spec.item.entity, item_key, item, set(), report),
        pairs=pairs,
        context=context,
        events=events,
        labels=labels,
        display=display,
        behaviour=behaviour,
    )
    check_recording(schema, catalogue, report)
    return replace(schema, sensitive=find_sensitive(schema, catalogue, report))


def _find_display(spec: Spec, item: Offer, report: Report) -> tuple[str, ...]:
    display = []
    for position, name in enumerate(spec.item.display if item.is_known else ()):
        found = next((f for f in item.features if name in (f.column, f"{f.view}:{f.column}")), None)
        if found is None:
            names = [f.column for f in item.features]
            report.say(f"item.display.{position}", f"no item feature {name!r}; {nearest(name, names)}")
        else:
            display.append(found.name)
    return tuple(display)


def _hidden(query: list[Feature], pairs: tuple[Pair, ...]) -> set[str]:
    """Return the names of the query's features that no model sees as they are: pair arrays, and ages."""
    arrays = {name for pair in pairs for name in (pair.keys, *(f.name for f in pair.features))}
    return arrays | {f.ages for f in query if f.ages}


def _side(spec: Spec, entity: str, key: Column, offer: Offer, hidden: set[str], report: Report) -> Side:
    options = spec.inputs.get(key.name, Input())
    if options.kind not in (None, "category", "ignore"):
        report.say(f"inputs.{key.name}.kind", f"a join key is a category, or ignored; got {options.kind!r}")
    seen = tuple(f for f in offer.features if f.name not in hidden and f.kind != "ignore")
    return Side(entity, key, offer.service, seen, tuple(offer.features), options)
