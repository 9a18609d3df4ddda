"""Resolving a spec against a registry. Every problem is found before the first is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tfrs_mtl.errors import Problem, RegistryError, nearest
from tfrs_mtl.schema.behaviour import behaviour_problems
from tfrs_mtl.schema.catalogue import Catalogue, Column, DType, Selection, Service, View
from tfrs_mtl.schema.leaks import leak_problems
from tfrs_mtl.schema.resolved import Feature, Pair, Schema, Side
from tfrs_mtl.spec import BehaviourView, Input, Kind, Last, Spec

_KIND_OF_SCALAR: Mapping[str, Kind] = {
    "int": "number",
    "float": "number",
    "string": "category",
    "bool": "boolean",
    "timestamp": "timestamp",
}
_KIND_OF_LIST: Mapping[str, Kind] = {"int": "categories", "string": "categories", "float": "vector"}
_VALID_TYPES: Mapping[Kind, frozenset[tuple[str, bool]]] = {
    "category": frozenset({("int", False), ("string", False), ("bool", False)}),
    "number": frozenset({("int", False), ("float", False)}),
    "boolean": frozenset({("bool", False), ("int", False)}),
    "timestamp": frozenset({("timestamp", False)}),
    "categories": frozenset({("int", True), ("string", True)}),
    "text": frozenset({("string", False)}),
    "history": frozenset({("int", True), ("string", True)}),
    "vector": frozenset({("float", True), ("int", True)}),
}


def resolve(spec: Spec, catalogue: Catalogue, *, file: str) -> Schema:
    """Resolve names to join keys, types and roles.

    Raises:
        RegistryError: with every contradiction between the spec and the registry.
    """
    schema, problems = examine(spec, catalogue, file=file)
    if schema is None or problems:
        raise RegistryError(problems)
    return schema


def examine(spec: Spec, catalogue: Catalogue, *, file: str) -> tuple[Schema | None, list[Problem]]:
    """Return the schema as far as it resolves (None where it does not) and all problems."""
    return _Resolver(spec, catalogue, file).run()


class _Resolver:
    """Walks the spec once, collecting problems beside results."""

    def __init__(self, spec: Spec, catalogue: Catalogue, file: str) -> None:
        self.spec = spec
        self.catalogue = catalogue
        self.file = file
        self.problems: list[Problem] = []
        self.used_inputs: set[str] = set()

    def run(self) -> tuple[Schema | None, list[Problem]]:
        spec = self.spec
        self._check_store()
        events = self._named(
            spec.interactions.view, self.catalogue.views, "interactions.view", "feature view"
        )
        query_key = self._key(spec.query.entity, "query.entity", events)
        item_key = self._key(spec.item.entity, "item.entity", events)
        query_service = self._service(spec.query.features, "query.features")
        item_service = self._service(spec.item.features, "item.features")
        query_all = self._features(query_service, query_key, "query.features")
        item_all = self._features(item_service, item_key, "item.features")
        labels = self._labels(events)
        context = self._context(events)
        display = self._display(item_all)
        behaviour = self._behaviour(events, item_all, query_key, item_key)
        pairs = self._pairs(query_all, item_all, item_key)
        self._check_inputs(query_all + item_all + context, [k.name for k in (query_key, item_key) if k])
        self._check_ages(query_all)
        self.problems += leak_problems(spec, events, (query_service, item_service), file=self.file)
        if events is None or query_key is None or item_key is None:
            return None, self.problems
        hidden = {name for pair in pairs for name in (pair.keys, *(f.name for f in pair.features))}
        hidden |= {f.ages for f in query_all if f.ages}
        query = self._side(spec.query.entity, query_key, query_service, query_all, hidden)
        item = self._side(spec.item.entity, item_key, item_service, item_all, set())
        schema = Schema(
            spec,
            query,
            item,
            tuple(pairs),
            tuple(context),
            events,
            tuple(labels),
            tuple(display),
            tuple(behaviour),
        )
        return schema, self.problems

    def _say(self, key: str, what: str) -> None:
        self.problems.append(Problem(f"{self.file}: {key}", what))

    def _named(self, name: str, valid: Mapping[str, View], key: str, noun: str) -> View | None:
        if name not in valid:
            remedy = "" if valid else " (run `feast apply` first?)"
            self._say(
                key, f"no {noun} {name!r} in {self.catalogue.origin}{remedy}; {nearest(name, list(valid))}"
            )
        return valid.get(name)

    def _check_store(self) -> None:
        if self.catalogue.offline_store in ("dask", "file"):
            self.problems.append(
                Problem(
                    "feature_store.yaml: offline_store.type",
                    f"{self.catalogue.offline_store!r} loses training rows (those that share entity and timestamp, "
                    "or have no history); use 'duckdb', which reads the same files",
                )
            )

    def _key(self, entity: str, key: str, events: View | None) -> Column | None:
        if entity not in self.catalogue.entities:
            names = list(self.catalogue.entities)
            self._say(key, f"no entity {entity!r} in {self.catalogue.origin}; {nearest(entity, names)}")
            return None
        join_key = self.catalogue.entities[entity].join_key
        if events is None:
            return None
        column = next((c for c in events.keys if c.name == join_key), None)
        if column is None:
            held = [c.name for c in events.keys]
            self._say(
                "interactions.view",
                f"view {events.name!r} has the join keys {held}, but entity {entity!r} needs {join_key!r}",
            )
        elif column.dtype.base not in ("int", "string") or column.dtype.is_list:
            self._say(
                key, f"join key {join_key!r} is {column.dtype.text}; integers and strings are supported"
            )
        return column

    def _service(self, name: str | None, key: str) -> Service | None:
        if name is None:
            return None
        services = self.catalogue.services
        if name not in services:
            remedy = "" if services else " (run `feast apply` first?)"
            self._say(
                key,
                f"no feature service {name!r} in {self.catalogue.origin}{remedy}; {nearest(name, list(services))}",
            )
            return None
        for foreign in services[name].foreign:
            self._say(
                key,
                f"service {name!r} uses the on-demand view {foreign!r}, which is not supported: "
                "write its output to a plain feature view",
            )
        return services[name]

    def _features(self, service: Service | None, key: Column | None, where: str) -> list[Feature]:
        if service is None:
            return []
        features: list[Feature] = []
        for selection in service.selections:
            self._check_selection(selection, key, where)
            for column in selection.columns:
                feature = self._feature(selection, column)
                if feature is not None:
                    features.append(feature)
        return features

    def _check_selection(self, selection: Selection, key: Column | None, where: str) -> None:
        view = selection.view
        callers = [caller for _, caller in selection.join_keys]
        if key is not None and callers != [key.name]:
            self._say(
                where,
                f"view {selection.name!r} is keyed by {callers or 'nothing'}, expected [{key.name!r}] alone: "
                "features of a pair go into a pair view (docs: behaviour, `of: [query, attribute]`)",
            )
        seconds = view.ttl.total_seconds() if view.ttl else 0.0
        if self.catalogue.offline_store == "duckdb" and seconds > 86400 and seconds % 86400:
            self.problems.append(
                Problem(
                    f"feature view {view.name!r}: ttl",
                    f"{view.ttl} mixes days and smaller units, which Feast's duckdb store refuses; "
                    "use whole days, or less than one day",
                )
            )

    def _feature(self, selection: Selection, column: Column) -> Feature | None:
        options, where = self._input(selection.name, column.name)
        kind = options.kind or self._default_kind(selection, column)
        if kind is None or (
            kind != "ignore" and (column.dtype.base, column.dtype.is_list) not in _VALID_TYPES[kind]
        ):
            wanted = f"as {kind!r}" if kind else "as a model input"
            self._say(
                where,
                f"type {column.dtype.text} of {selection.name}:{column.name} cannot be used {wanted}; "
                "drop it from the service, or set `kind: ignore`",
            )
            return None
        name = f"{selection.name}__{column.name}"
        ages = options.ages or self._declared_ages(selection.view.name, column.name)
        return Feature(
            name,
            selection.name,
            column.name,
            column.dtype,
            kind,
            options,
            f"{selection.name}__{ages}" if ages else None,
        )

    def _input(self, view: str, column: str) -> tuple[Input, str]:
        for key in (f"{view}:{column}", column):
            if key in self.spec.inputs:
                self.used_inputs.add(key)
                return self.spec.inputs[key], f"inputs.{key}"
        return Input(), f"inputs.{view}:{column}"

    def _default_kind(self, selection: Selection, column: Column) -> Kind | None:
        declared = self.spec.behaviour.views.get(selection.view.name)
        measure = declared.features.get(column.name) if declared and not declared.is_pair else None
        if isinstance(measure, Last):
            return "history" if declared is not None and declared.of == "query" else "ignore"
        table = _KIND_OF_LIST if column.dtype.is_list else _KIND_OF_SCALAR
        return table.get(column.dtype.base)

    def _declared_ages(self, view: str, column: str) -> str | None:
        declared = self.spec.behaviour.views.get(view)
        if declared is None:
            return None
        measures = declared.features.items()
        return next((name for name, m in measures if m.measure == "ages" and m.of == column), None)

    def _labels(self, events: View | None) -> list[Column]:
        labels: dict[str, Column] = {}
        for position, task in enumerate(self.spec.ranking.tasks):
            column = self._event_column(events, task.label, f"ranking.tasks.{position}.label")
            if column is None:
                continue
            valid = ("bool", "int", "float") if task.kind == "regression" else ("bool", "int")
            if column.dtype.base not in valid or column.dtype.is_list:
                self._say(
                    f"ranking.tasks.{position}.label",
                    f"{task.label!r} is {column.dtype.text}; a {task.kind} task takes {' or '.join(valid)}",
                )
            labels[column.name] = column
        return list(labels.values())

    def _context(self, events: View | None) -> list[Feature]:
        context = []
        for position, name in enumerate(self.spec.interactions.context):
            column = self._event_column(events, name, f"interactions.context.{position}")
            if column is None or events is None:
                continue
            keys = tuple((c.name, c.name) for c in events.keys)
            feature = self._feature(Selection(events, events.name, (), keys), column)
            if feature is not None and feature.kind == "history":
                self._say(
                    f"interactions.context.{position}", "a history belongs to the query, not to a context"
                )
            elif feature is not None:
                context.append(feature)
        return context

    def _event_column(self, events: View | None, name: str, key: str) -> Column | None:
        if events is None:
            return None
        column = events.column(name)
        if column is None:
            names = [c.name for c in events.columns]
            self._say(key, f"view {events.name!r} has no column {name!r}; {nearest(name, names)}")
        return column

    def _display(self, item_all: list[Feature]) -> list[str]:
        display = []
        for position, name in enumerate(self.spec.item.display):
            found = next((f for f in item_all if name in (f.column, f"{f.view}:{f.column}")), None)
            if found is None:
                names = [f.column for f in item_all]
                self._say(f"item.display.{position}", f"no item feature {name!r}; {nearest(name, names)}")
            else:
                display.append(found.name)
        return display

    def _behaviour(
        self, events: View | None, item_all: list[Feature], query_key: Column | None, item_key: Column | None
    ) -> list[tuple[View, BehaviourView]]:
        found = []
        for name, declared in self.spec.behaviour.views.items():
            view = self._named(name, self.catalogue.views, f"behaviour.views.{name}", "feature view")
            if view is None or events is None or query_key is None or item_key is None:
                continue
            self.problems += behaviour_problems(
                self.spec,
                view,
                declared,
                events=events,
                keys=(query_key, item_key),
                items=item_all,
                file=self.file,
            )
            found.append((view, declared))
        return found

    def _pairs(
        self, query_all: list[Feature], item_all: list[Feature], item_key: Column | None
    ) -> list[Pair]:
        pairs: list[Pair] = []
        by_view: dict[str, list[Feature]] = {}
        for feature in query_all:
            by_view.setdefault(feature.view, []).append(feature)
        for view, features in by_view.items():
            declared = self._declared_pair(view)
            if declared is None or item_key is None:
                continue
            attribute = attribute_column(declared, item_key)
            keys = next((f for f in features if f.column == attribute), None)
            match = next((f.name for f in item_all if f.column == attribute), None)
            match = item_key.name if declared.of[1] == "item" else match
            if keys is None or match is None:
                self._say(
                    "query.features",
                    f"the pair view {view!r} needs its field {attribute!r} in the service, and the item's feature too",
                )
                continue
            values = tuple(_looked_up(f) for f in features if f is not keys and f.kind != "ignore")
            pairs.append(Pair(view, match, keys.name, values))
        return pairs

    def _declared_pair(self, view: str) -> BehaviourView | None:
        declared = self.spec.behaviour.views.get(view)
        return declared if declared is not None and declared.is_pair else None

    def _side(
        self, entity: str, key: Column, service: Service | None, features: list[Feature], hidden: set[str]
    ) -> Side:
        options = self.spec.inputs.get(key.name, Input())
        if options.kind not in (None, "category", "ignore"):
            self._say(f"inputs.{key.name}.kind", "a join key is a category, or ignored")
        return Side(entity, key, service, _seen(features, hidden), tuple(features), options)

    def _check_inputs(self, features: Iterable[Feature], keys: list[str]) -> None:
        names = sorted({f.column for f in features} | {f"{f.view}:{f.column}" for f in features} | set(keys))
        for key in self.spec.inputs:
            if key not in self.used_inputs and key not in keys:
                self._say(f"inputs.{key}", f"no feature of that name is used; {nearest(key, names)}")

    def _check_ages(self, query_all: list[Feature]) -> None:
        by_name = {f.name: f for f in query_all}
        for feature in query_all:
            if feature.ages is None:
                continue
            ages = by_name.get(feature.ages)
            if ages is None or not ages.dtype.is_list or ages.dtype.base not in ("int", "float"):
                self._say(
                    f"inputs.{feature.column}.ages",
                    f"{feature.ages.split('__')[-1]!r} is no list of numbers in the service's view {feature.view!r}",
                )


def attribute_column(declared: BehaviourView, item_key: Column) -> str:
    """Return the name of the field that holds a pair view's keys."""
    return item_key.name if declared.of[1] == "item" else declared.of[1]


def _looked_up(feature: Feature) -> Feature:
    """Return the scalar feature that looking an array up by its key gives."""
    dtype = DType("float", False, "Float32")
    return Feature(feature.name, feature.view, feature.column, dtype, "number", feature.options)


def _seen(features: list[Feature], hidden: set[str]) -> tuple[Feature, ...]:
    return tuple(f for f in features if f.name not in hidden and f.kind != "ignore")
