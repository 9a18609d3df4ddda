"""A spec against a registry: every contradiction is named with its key, what came, and what is valid."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.schema.registry import catalogue, column, found, problems, selection, view, views
from tests.spec.examples import content, spoilt
from tfrs_mtl.errors import RegistryError
from tfrs_mtl.schema import Service, View, resolve
from tfrs_mtl.spec import parse_spec


def _with(of: str, name: str, text: str | None) -> dict[str, View]:
    """Return a view with a field of another type, or without it."""
    held = views()[of]
    kept = tuple(c for c in held.columns if c.name != name)
    return {of: replace(held, columns=kept if text is None else (*kept, column(name, text)))}


def test_a_fitting_registry_resolves_to_roles_and_kinds() -> None:
    schema, told = found(catalogue())
    assert told == {}
    assert schema is not None
    assert {f.name: f.kind for f in schema.query.features} == {
        "user_facts__age": "number",
        "user_facts__city": "category",
        "user_facts__news": "boolean",
        "user_facts__since": "timestamp",
        "user_counts__seen_7d": "number",
        "user_counts__last_things": "history",
    }
    assert schema.history is not None
    assert schema.history.ages == "user_counts__ages"
    [pair] = schema.pairs
    assert (pair.attribute, pair.keys) == ("thing_facts__brand", "user_brands__brand")
    assert [f.name for f in pair.features] == ["user_brands__bought"]
    assert schema.display == ("thing_facts__title",)
    assert [c.name for c in schema.labels] == ["bought", "kept", "price"]
    assert [f.column for f in schema.context] == ["device"]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            "query.entity",
            "usr",
            "no entity 'usr' in the registry of project 'shop'; did you mean 'user'? valid: store,",
        ),
        (
            "item.entity",
            "thign",
            "no entity 'thign' in the registry of project 'shop'; did you",
        ),
        (
            "query.features",
            "usrs",
            "no feature service 'usrs' in the registry of project 'shop'; ",
        ),
        (
            "item.features",
            "thinks",
            "no feature service 'thinks' in the registry of project 'shop'",
        ),
        (
            "item.display.0",
            "titel",
            "no item feature 'titel'; did you mean 'title'? valid: brand,",
        ),
        (
            "interactions.view",
            "event",
            "no feature view 'event' in the registry of project 'shop'; did you mean 'events'?",
        ),
        ("interactions.context.0", "devise", "view 'events' has no column 'devise'; did you mean 'device'?"),
        (
            "ranking.tasks.0.label",
            "bougth",
            "view 'events' has no column 'bougth'; did you mean 'bought'?",
        ),
        ("inputs", {"brnd": {}}, "no feature of that name is used; did you mean 'brand'"),
        (
            "behaviour.views.user_brands.of",
            ["query", "brnad"],
            "no scalar item feature 'brnad' in the item's service; did you mean 'brand'?",
        ),
        (
            "behaviour.views.user_brands.features.bought.where",
            "bougth",
            "view 'events' has no column 'bougth'; did you mean 'bought'?",
        ),
        (
            "behaviour.views.user_counts.features.ages.of",
            "last",
            "no `last` feature 'last'; valid: last",
        ),
    ],
)
def test_a_misspelt_name_is_told_the_nearest_valid_ones(path: str, value: object, expected: str) -> None:
    told = problems(catalogue(), spoilt(path, value))
    place = next(where for where in told if where.startswith(path))
    assert told[place].startswith(expected)


def test_a_missing_service_is_not_the_fault_of_those_who_name_its_features() -> None:
    assert list(problems(catalogue(), spoilt("item.features", "no such"))) == ["item.features"]
    assert list(problems(catalogue(), spoilt("query.features", "no such"))) == ["query.features"]


def test_a_misspelt_behaviour_view_is_told_the_nearest() -> None:
    told = problems(catalogue(), spoilt("behaviour.views.user_counts", None, rename="user_count"))
    assert told["behaviour.views.user_count"].startswith(
        "no feature view 'user_count' in the registry of project 'shop'; did you mean 'user_counts'"
    )


def test_an_empty_registry_is_one_problem() -> None:
    empty = replace(catalogue(), entities={}, views={}, services={})
    assert problems(empty) == {"the registry of project 'shop'": "holds no feature view: run `feast apply`"}


@pytest.mark.parametrize("store", ["dask", "file", "feast.infra.offline_stores.dask.DaskOfflineStore"])
def test_a_dask_offline_store_is_refused_and_duckdb_named(store: str) -> None:
    told = problems(replace(catalogue(), offline_store=store))
    assert "loses training rows" in told["feature_store.yaml: offline_store.type"]
    assert "'duckdb'" in told["feature_store.yaml: offline_store.type"]


@pytest.mark.parametrize(
    ("ttl", "is_refused"),
    [
        (timedelta(hours=36), True),
        (timedelta(days=2, seconds=1), True),
        (timedelta(hours=12), False),
        (timedelta(days=1), False),
        (timedelta(days=400), False),
        (None, False),
    ],
)
def test_a_ttl_of_days_and_hours_is_refused_on_duckdb_alone(ttl: timedelta | None, is_refused: bool) -> None:
    changed = {"user_facts": replace(views()["user_facts"], ttl=ttl)}
    told = problems(catalogue(changed))
    assert list(told) == (["feature view 'user_facts': ttl"] if is_refused else [])
    assert not is_refused or "or less than one day" in told["feature view 'user_facts': ttl"]
    assert problems(replace(catalogue(changed), offline_store="snowflake.offline")) == {}


@pytest.mark.parametrize("where", ["events", "copy"])
def test_a_label_that_is_also_a_feature_is_refused(where: str) -> None:
    held = views()
    leaky = held["events"]
    if where == "copy":
        source = replace(leaky.source, renames=(("bought", "did_buy"),))
        leaky = view("copy", {"user_id": "String"}, {"did_buy": "Bool"}, source=source)
    told = problems(catalogue({leaky.name: leaky}, users=[selection(leaky)]))
    assert told["ranking.tasks.0.label"].startswith("'bought' is also a feature: service 'users' serves it")
    assert "drop it from the service" in told["ranking.tasks.0.label"]


def test_a_label_that_is_context_is_refused() -> None:
    told = problems(catalogue(), spoilt("interactions.context", ["device", "bought"]))
    assert told == {
        "interactions.context.1": "'bought' is the label of ranking.tasks.0.label: it is not known beforehand"
    }


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "bought",
            "String",
            "a binary task takes 0, 1 and null as Bool, Int or Float; write one 0/1",
        ),
        ("bought", "Array(Int64)", "'bought' is Array(Int64); a binary task takes 0, 1"),
    ],
)
def test_a_label_of_a_foreign_type_is_refused(name: str, text: str, expected: str) -> None:
    assert expected in problems(catalogue(_with("events", name, text)))["ranking.tasks.0.label"]


@pytest.mark.parametrize("text", ["Bool", "Int32", "Int64", "Float32", "Float64"])
def test_binary_labels_may_be_booleans_whole_numbers_and_floats(text: str) -> None:
    spec = content()
    del spec["behaviour"]["views"]["user_brands"]
    registry = catalogue(_with("events", "bought", text), users=[selection(views()["user_counts"])])
    assert problems(registry, spec) == {}


@pytest.mark.parametrize("text", ["Bytes", "Map", "Array(Bool)", "Array(UnixTimestamp)", "Json"])
def test_an_unsupported_type_is_named_and_may_be_ignored(text: str) -> None:
    registry = catalogue(_with("thing_facts", "blob", text))
    assert problems(registry) == {
        "inputs.thing_facts:blob": f"type {text} of thing_facts:blob cannot be used as a model input; "
        "drop it from the service, or set `kind: ignore`"
    }
    schema, told = found(registry, spoilt("inputs.blob", {"kind": "ignore"}))
    assert told == {}
    assert schema is not None
    assert "blob" not in {f.column for f in schema.item.features}
    assert all(f.dtype.base != "unsupported" for f in schema.item.fetched)


def test_overrides_of_a_pair_are_those_of_a_number() -> None:
    told = problems(catalogue(), spoilt("inputs.bought", {"kind": "text"}))
    assert told == {
        "inputs.bought.kind": "a feature of a pair is looked up as a number; it may be ignored; got 'text'"
    }
    schema, told = found(catalogue(), spoilt("inputs.bought", {"buckets": 4}))
    assert told == {}
    assert schema is not None
    assert schema.pairs[0].features[0].options.buckets == 4


def test_a_service_that_leaves_out_a_pairs_keys_is_told() -> None:
    held = selection(views()["user_brands"])
    told = problems(catalogue(users=[replace(held, columns=held.columns[1:])]))
    assert told == {
        "query.features": "the service leaves out 'brand' of the pair view 'user_brands', which holds the "
        "keys of its other fields"
    }


def test_a_kind_that_does_not_fit_the_type_is_told_those_that_do() -> None:
    told = problems(catalogue(), spoilt("inputs.cost", {"kind": "text"}))
    assert told == {
        "inputs.cost": "type Float32 of thing_facts:cost cannot be used as 'text'; its kind may be number; "
        "or drop it from the service, or set `kind: ignore`"
    }


@pytest.mark.parametrize("text", ["Int32", "Int64", "String", "Uuid"])
def test_join_keys_may_be_whole_numbers_strings_and_uuids(text: str) -> None:
    base = column("x", text).dtype
    changed = {
        name: replace(
            held, keys=tuple(replace(k, dtype=base) if k.name == "user_id" else k for k in held.keys)
        )
        for name, held in views().items()
    }
    assert problems(catalogue(changed)) == {}


@pytest.mark.parametrize("text", ["Float64", "UnixTimestamp", "Bytes"])
def test_join_keys_of_other_types_are_refused(text: str) -> None:
    changed = {
        "events": replace(views()["events"], keys=(column("user_id", text), column("thing_id", "Int64")))
    }
    assert problems(catalogue(changed))["query.entity"].startswith(
        f"join key 'user_id' is {text} in view 'events'; Int32, Int64, String and Uuid are supported"
    )


def test_join_keys_of_two_types_never_meet() -> None:
    changed = {"thing_facts": replace(views()["thing_facts"], keys=(column("thing_id", "String"),))}
    assert problems(catalogue(changed))["item.features"] == (
        "join key 'thing_id' is String in view 'thing_facts', but Int64 in the interactions: "
        "the two would never meet"
    )


def test_events_may_have_a_key_of_their_own_and_hold_both_sides_as_fields() -> None:
    fields = {c.name: c.dtype.text for c in views()["events"].columns}
    events = view("events", {"event_id": "String"}, fields | {"user_id": "String", "thing_id": "Int64"})
    schema, told = found(catalogue({"events": events}))
    assert told == {}
    assert schema is not None
    assert (schema.query.key.name, schema.item.key.name) == ("user_id", "thing_id")


def test_events_without_a_join_key_are_refused() -> None:
    events = replace(views()["events"], keys=(column("user_id", "String"),))
    assert problems(catalogue({"events": events}))["interactions.view"].startswith(
        "view 'events' lacks 'thing_id', the join key of entity 'thing'; it has bought, device, kept, price,"
    )


def test_one_entity_cannot_be_both_sides() -> None:
    told = problems(catalogue(), spoilt("item", {"entity": "user"}))
    assert told["item.entity"].startswith("'user' and the query's 'user' have the same join key 'user_id'")


def test_a_view_of_two_entities_is_refused_and_pair_views_named() -> None:
    both = view("in_store", {"user_id": "String", "store_id": "Int64"}, {"visits": "Int64"})
    told = problems(catalogue({"in_store": both}, users=[selection(both)]), spoilt("behaviour", {}))
    assert told["query.features"].startswith(
        "view 'in_store' is keyed by ['user_id', 'store_id'], expected ['user_id'] alone"
    )
    assert "`of: [query, <attribute>]`" in told["query.features"]


def test_a_view_without_entity_is_refused() -> None:
    weather = view("weather", {"__dummy_id": "String"}, {"rain": "Float32"}, entities=())
    told = problems(catalogue({"weather": weather}, things=[selection(weather)]), spoilt("behaviour", {}))
    assert told["item.features"].startswith("view 'weather' has no entity, so it says the same of every")


def test_an_on_demand_view_is_refused() -> None:
    registry = catalogue()
    things = replace(registry.services["things"], foreign=("margin",))
    told = problems(replace(registry, services={**registry.services, "things": things}))
    assert told["item.features"].startswith("service 'things' uses 'margin', which is an on-demand view")


def test_either_service_may_be_absent() -> None:
    spec: dict[str, Any] = content()
    del spec["query"]["features"], spec["item"], spec["behaviour"], spec["inputs"]
    spec["item"] = {"entity": "thing"}
    schema, told = found(catalogue(), spec)
    assert told == {}
    assert schema is not None
    assert schema.query.features == schema.item.features == ()


def test_a_view_in_both_services_needs_another_name_in_one() -> None:
    held = views()
    spec = spoilt("behaviour", {})
    same = selection(held["user_facts"], user_id="thing_id")
    keys = {
        "events": replace(held["events"], keys=(column("user_id", "String"), column("thing_id", "String")))
    }
    users = [selection(held["user_facts"])]
    spec["item"]["display"], spec["inputs"] = [], {}
    told = problems(catalogue(keys, users=users, things=[same]), spec)
    assert "give one view another name in its service: user_facts.with_name(...)" in told["item.features"]
    named = selection(held["user_facts"], name="sellers", user_id="thing_id")
    schema, told = found(catalogue(keys, users=users, things=[named]), spec)
    assert told == {}
    assert schema is not None
    assert schema.item.features[0].name == "sellers__age"


def test_a_behaviour_view_under_another_name_keeps_its_roles() -> None:
    held = views()
    users = [selection(held[name], name=f"my_{name}") for name in ("user_counts", "user_brands")]
    schema, told = found(catalogue(users=users))
    assert told == {}
    assert schema is not None
    assert schema.history is not None
    assert schema.history.name == "my_user_counts__last_things"
    assert schema.pairs[0].keys == "my_user_brands__brand"
    assert [f.name for f in schema.query.features] == [
        "my_user_counts__seen_7d",
        "my_user_counts__last_things",
    ]


@pytest.mark.parametrize("name", ["class", "run time", "a.b", "prix (€)", "select", "x:y"])
def test_features_may_have_any_name(name: str) -> None:
    schema, told = found(catalogue(_with("thing_facts", name, "String")), spoilt(f"inputs.{'brand'}", {}))
    assert told == {}
    assert schema is not None
    assert f"thing_facts__{name}" in {f.name for f in schema.item.features}


def test_an_override_by_a_bare_name_that_two_views_share_is_a_hint() -> None:
    both = catalogue(_with("user_facts", "cost", "Float32"))
    spec = spoilt("inputs.cost", {"buckets": 4})
    assert problems(both, spec) == {
        "inputs.cost": "holds for user_facts:cost and thing_facts:cost; name one of them to mean it alone"
    }
    assert resolve(parse_spec(spec), both, file="r.yaml").item.key.name == "thing_id"
    del spec["inputs"]["cost"]
    spec["inputs"]["user_facts:cost"] = {"buckets": 4}
    assert problems(both, spec) == {}


def test_a_history_holds_the_items_ids() -> None:
    told = problems(
        catalogue(_with("user_facts", "tags", "Array(String)")), spoilt("inputs.tags", {"kind": "history"})
    )
    assert told["inputs.tags.kind"] == (
        "user_facts:tags is Array(String), but a history holds values of the item's join key 'thing_id', "
        "which is Int64"
    )


def test_a_history_does_not_belong_to_items_or_contexts() -> None:
    item = catalogue(_with("thing_facts", "near", "Array(Int64)"))
    told = problems(item, spoilt("inputs.near", {"kind": "history"}))
    assert told == {"inputs.near.kind": "a history belongs to the query, not to the item"}


def test_ages_must_be_a_list_of_numbers_beside_the_history() -> None:
    told = problems(catalogue(), spoilt("inputs.last_things", {"ages": "seen_7d"}))
    assert told["inputs.last_things.ages"].startswith(
        "'seen_7d' is no list of numbers among what the service"
    )


def test_a_join_key_is_a_category() -> None:
    told = problems(catalogue(), spoilt("inputs.user_id", {"kind": "number"}))
    assert told == {"inputs.user_id.kind": "a join key is a category, or ignored; got 'number'"}


def test_resolve_raises_with_all_contradictions_at_once() -> None:
    spec = spoilt("query.features", "usrs")
    spec["item"]["display"] = ["titel"]
    spec["ranking"]["tasks"][0]["label"] = "bougth"
    with pytest.raises(RegistryError) as caught:
        resolve(parse_spec(spec), replace(catalogue(), offline_store="dask"), file="shop/r.yaml")
    assert [problem.where for problem in caught.value.problems] == [
        "feature_store.yaml: offline_store.type",
        "shop/r.yaml: query.features",
        "shop/r.yaml: ranking.tasks.0.label",
        "shop/r.yaml: item.display.0",
    ]


def test_a_service_without_selections_is_a_service() -> None:
    registry = catalogue()
    services = {**registry.services, "things": Service("things", ())}
    spec = spoilt("behaviour", {})
    spec["item"]["display"], spec["inputs"] = [], {}
    assert problems(replace(registry, services=services), spec) == {}
