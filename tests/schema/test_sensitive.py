"""Which features a list of sensitive ones means, and which it may not name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.schema.registry import catalogue, found, problems
from tests.spec.examples import content


def _naming(*names: str) -> dict[str, Any]:
    return {**content(), "sensitive": list(names)}


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("age", {"user_facts__age"}),
        ("user_facts:age", {"user_facts__age"}),
        ("device", {"events__device"}),
        ("cost", {"thing_facts__cost"}),
        ("last_things", {"user_counts__last_things", "user_counts__ages"}),
        ("ages", {"user_counts__last_things", "user_counts__ages"}),
        ("user_brands:bought", {"user_brands__brand", "user_brands__bought"}),
        ("thing_facts:brand", {"thing_facts__brand", "user_brands__brand", "user_brands__bought"}),
    ],
)
def test_a_name_hides_its_feature_and_the_arrays_parallel_to_it(name: str, hidden: set[str]) -> None:
    schema, told = found(catalogue(), _naming(name))
    assert told == {}
    assert schema is not None
    assert schema.sensitive == hidden


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("agee", "no feature of that name is used; did you mean 'age'"),
        ("user_id", "'user_id' is a join key: logs and answers cannot do without it"),
        ("title", "'title' is shown to people: 'thing_facts__title' is in `item.display`"),
    ],
)
def test_a_name_that_hides_nothing_or_what_must_be_seen_is_refused(name: str, told: str) -> None:
    assert problems(catalogue(), _naming(name))["sensitive.0"].startswith(told)


def test_a_feature_that_only_another_service_has_is_a_hint_so_that_older_bundles_still_load() -> None:
    schema, told = found(catalogue(), _naming("store"))
    assert told == {"sensitive.0": "neither service has 'store', so nothing is hidden by it"}
    assert schema is not None
    assert schema.sensitive == frozenset()
