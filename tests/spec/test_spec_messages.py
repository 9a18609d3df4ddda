"""What is wrong with a recommender.yaml by itself: the file, the key, what came, the nearest valid names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.spec.examples import content, spoilt
from tfrs_mtl.errors import SpecError
from tfrs_mtl.spec import Spec, parse_spec


def _problems(found: object) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as caught:
        parse_spec(found, file="shop/recommender.yaml")
    return [(p.where.removeprefix("shop/recommender.yaml: "), p.what) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("path", "misspelt"),
    [
        ("split", "splitt"),
        ("objective", "objectives"),
        ("query.entity", "entty"),
        ("item.display", "dispaly"),
        ("interactions.context", "contxt"),
        ("split.end", "ende"),
        ("behaviour.every", "evry"),
        ("behaviour.views.user_counts.of", "off"),
        ("behaviour.views.user_counts.features", "featurs"),
        ("behaviour.views.user_counts.features.seen_7d.measure", "measuer"),
        ("behaviour.views.user_counts.features.seen_7d.window", "windw"),
        ("behaviour.views.user_counts.features.ages.of", "off"),
        ("behaviour.views.user_brands.features.bought.where", "were"),
        ("inputs.brand.kind", "knd"),
        ("retrieval.dim", "dimm"),
        ("retrieval.training.epochs", "epoch"),
        ("ranking.architecture", "architektur"),
        ("ranking.architecture.experts", "expert"),
        ("ranking.tasks.1.delay", "dealy"),
        ("ranking.tasks.0.label", "lable"),
        ("ranking.negatives.popular", "populer"),
        ("batch.candidates", "candidate"),
    ],
)
def test_a_misspelt_key_is_named_at_every_level_with_the_nearest_valid_one(path: str, misspelt: str) -> None:
    *above, right = path.split(".")
    problems = _problems(spoilt(path, None, rename=misspelt))
    where = ".".join([*above, misspelt])
    assert [place for place, _ in problems] == [where]
    assert problems[0][1].startswith("unknown key; ")
    assert f"'{right}'" in problems[0][1].partition("?")[0]
    assert "valid: " in problems[0][1]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            "behaviour.views.user_counts.features.seen_7d.measure",
            "cout",
            "no measure 'cout'; did you mean 'count'? valid: ages, count, distinct, last, mean, popularity,",
        ),
        (
            "behaviour.views.user_counts.of",
            "qeury",
            "did you mean 'query'? expected query, item, or",
        ),
        (
            "ranking.architecture.name",
            "mmoee",
            "no name 'mmoee'; did you mean 'mmoe'? valid: aitm,",
        ),
        ("ranking.tasks.0.kind", "binry", "got 'binry'; did you mean 'binary'? valid: binary, multiclass,"),
        ("inputs.brand.kind", "categry", "got 'categry'; did you mean 'category' or"),
        ("retrieval.positives", "by", "no binary task 'by'; did you mean 'buy'? valid: buy, keep"),
        ("ranking.tasks.1.when", "bye", "no binary task 'bye'; did you mean 'buy'? valid: buy"),
        ("ranking.tasks.1.when", "spend", "no binary task 'spend'; valid: buy"),
        ("objective.spent", 1, "no task 'spent'; did you mean 'spend'? valid: buy, keep, spend"),
        ("version", 2, "this library reads version 1, got 2"),
        ("retrieval.dim", "wide", "expected a whole number, got 'wide'"),
        ("retrieval.dim", 1.5, "expected a whole number, got 1.5"),
        ("retrieval.dim", 0, "expected at least 1, got 0"),
        ("retrieval.temperature", 0, "expected more than 0, got 0"),
        ("retrieval.item_dropout", 1, "expected less than 1, got 1"),
        ("retrieval.temperature", float("inf"), "expected a finite number, got inf"),
        ("objective.buy", float("nan"), "expected a finite number, got nan"),
        ("retrieval.logq", "maybe", "expected true or false, got 'maybe'"),
        ("retrieval.hidden", 16, "expected a list, got 16"),
        ("retrieval.hidden.0", "wide", "expected a whole number, got 'wide'"),
        ("retrieval.hidden.0", -1, "expected at least 1, got -1"),
        ("item.display", "title", "expected a list, got 'title': write [title]"),
        ("interactions.context.0", 7, "expected a name, got 7: quote it"),
        (
            "query.entity",
            False,
            "expected a name, got False (YAML reads an unquoted yes, no",
        ),
        ("query.entity", "", "expected a name, got ''"),
        ("query", "user", "expected a mapping, got 'user'"),
        ("retrieval", None, "expected a mapping, got nothing; leave the key out"),
        ("behaviour.views.user_counts.features.seen_7d", "count", "expected a mapping, got 'count'"),
        ("behaviour.views.user_counts.features", {}, "expected at least 1 of it, got {}"),
        (
            "behaviour.views.user_brands.of",
            ["item", "brand"],
            "expected query, item, or [query, an item",
        ),
        ("ranking.tasks", [], "expected at least 1 of it, got []"),
        ("ranking.tasks.1", "keep", "expected a mapping, got 'keep'"),
        (
            "ranking.tasks.0.name",
            "add to cart",
            "expected letters, digits and underscores, a letter first, got",
        ),
        ("ranking.tasks.1.name", "buy", "another task has the name 'buy' too"),
        (
            "ranking.negatives",
            {"popular": 0, "uniform": 0},
            "expected at least one negative (popular,",
        ),
        (
            "split.test",
            "2024-04-31",
            "expected a date or time such as 2024-03-01 or 2024-03-01T12:00:00Z, got",
        ),
        (
            "split.test",
            20240401,
            "expected a date or time such as 2024-03-01 or 2024-03-01T12:00:00Z, got",
        ),
        ("split.test", "2024-02-01", "is 2024-02-01 00:00, expected after `validation`"),
        ("split.end", "2024-04-01", "is 2024-04-01 00:00, expected after `test`"),
        (
            "behaviour.every",
            "1 month",
            "expected a duration such as 12h, 28d or 4w (up to 100 years), got '1 m",
        ),
        ("behaviour.every", 7, "expected a duration such as 12h, 28d or 4w (up to 100 years), got 7"),
        ("behaviour.every", "0d", "expected a duration such as"),
        ("behaviour.every", "9999999w", "expected a duration such as"),
        ("item.display", ["title", "title"], "'title' stands twice"),
        ("batch.k", 51, "expected at most `candidates` (50), got 51"),
        (
            "inputs.brand",
            {"vocabulary": 9, "hash_bins": 9},
            "excludes `vocabulary`: a feature is looked up",
        ),
        ("query.entity", ..., "is missing, and has no default"),
        (
            "behaviour.views.user_counts.features.seen_7d.measure",
            ...,
            "is missing; valid: ages, count, distinct",
        ),
    ],
)
def test_a_wrong_value_is_named_by_its_path_as_in_the_yaml(path: str, value: object, expected: str) -> None:
    problems = _problems(spoilt(path, value))
    assert len(problems) == 1
    where, what = problems[0]
    assert where == path or where.startswith(f"{path}.")
    assert what.startswith(expected)


def test_keys_that_are_no_names_are_refused_as_keys() -> None:
    found: Any = content()
    found["inputs"][7] = {}
    found["objective"]["no name"] = 1
    assert _problems(found) == [
        ("inputs.7", "as a key, expected a name, got 7: quote it"),
        (
            "objective.no name",
            "as a key, expected letters, digits and underscores, a letter first, got 'no name'",
        ),
    ]


def test_a_circle_of_conditions_is_refused_at_each_task_of_it() -> None:
    found = content()
    found["ranking"]["tasks"] += [
        {"name": "a", "kind": "binary", "label": "x", "when": "b"},
        {"name": "b", "kind": "binary", "label": "y", "when": "a"},
    ]
    assert _problems(found) == [
        ("ranking.tasks.3.when", "the `when` of task 'a' leads back to itself"),
        ("ranking.tasks.4.when", "the `when` of task 'b' leads back to itself"),
    ]


def test_a_shop_without_an_unconditional_binary_task_is_refused() -> None:
    found = content()
    found["ranking"]["tasks"] = [{"name": "spend", "kind": "regression", "label": "price"}]
    del found["retrieval"]["positives"]
    found["objective"] = {}
    assert _problems(found) == [
        ("ranking.tasks", "needs a binary task without `when`: what retrieval learns from")
    ]


def test_retrieval_does_not_learn_from_what_is_known_late() -> None:
    found = content()
    found["ranking"]["tasks"] = [{"name": "kept", "kind": "binary", "label": "kept", "delay": "28d"}]
    found["retrieval"]["positives"] = "kept"
    found["objective"] = {}
    assert _problems(found) == [
        ("retrieval.positives", "task 'kept' is known only after its `delay`; expected a task without one")
    ]


def test_problems_of_all_sections_come_at_once_each_once() -> None:
    found = content()
    found["query"]["fetures"] = found["query"].pop("features")
    found["ranking"]["tasks"][0]["kind"] = "binry"
    found["behaviour"]["views"]["user_counts"]["features"]["seen_7d"]["windw"] = "7d"
    found["objective"]["bye"] = 1
    found["split"]["test"] = "soon"
    found["retrieval"]["positives"] = "byu"
    del found["item"]
    assert sorted(where for where, _ in _problems(found)) == [
        "behaviour.views.user_counts.features.seen_7d.windw",
        "item",
        "objective.bye",
        "query.fetures",
        "ranking.tasks.0.kind",
        "retrieval.positives",
        "split.test",
    ]


def test_a_task_whose_name_is_refused_is_not_missed_by_those_who_name_it() -> None:
    found = content()
    found["ranking"]["tasks"][0]["name"] = "not a name"
    assert [where for where, _ in _problems(found)] == ["ranking.tasks.0.name"]


def test_an_empty_mapping_misses_its_sections_all_at_once() -> None:
    missing = {where for where, what in _problems({}) if what == "is missing, and has no default"}
    assert missing == {name for name, field in Spec.model_fields.items() if field.is_required()}


@pytest.mark.parametrize(("found", "came"), [(None, "is empty"), ([], "holds []"), ("text", "holds 'text'")])
def test_what_is_no_mapping_is_told_the_keys(found: object, came: str) -> None:
    [(where, what)] = _problems(found)
    assert where == "shop/recommender.yaml"
    assert what.startswith(f"{came}; expected a mapping with the keys version, name, query, item,")


@pytest.mark.parametrize("rubbish", [None, 0, -1, 3.5, "?", [], ["?"], {}, {"?": 1}, True])
def test_rubbish_at_any_key_is_a_problem_or_valid_but_never_an_escape(rubbish: object) -> None:
    for path in _paths(content()):
        try:
            parse_spec(spoilt(path, rubbish))
        except SpecError as error:
            assert error.problems  # noqa: PT017 - either outcome is fine


def _paths(node: object, above: str = "") -> list[str]:
    entries: list[tuple[object, object]] = []
    if isinstance(node, dict):
        entries = list(node.items())
    elif isinstance(node, list):
        entries = list(enumerate(node))
    found = []
    for key, value in entries:
        path = f"{above}.{key}" if above else str(key)
        found += [path, *_paths(value, path)]
    return found
