"""A column that weighs rows: there, a number, and no feature."""

from __future__ import annotations

from typing import Any

import pytest

from tests.schema.registry import catalogue, found, problems, selection, view, views
from tests.spec.examples import content, spoilt

_KEY = "ranking.tasks.0.weight_by"


def test_a_column_that_weighs_rows_is_read_with_the_labels() -> None:
    schema, told = found(catalogue(), spoilt(_KEY, "price"))
    assert told == {}
    assert schema is not None
    assert [c.name for c in schema.labels] == ["bought", "kept", "price"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("prise", "view 'events' has no column 'prise'; did you mean 'price'?"),
        ("store", "'store' is String; a row's weight is a number, 0 or above"),
    ],
)
def test_a_missing_or_foreign_column_is_told(name: str, told: str) -> None:
    assert problems(catalogue(), spoilt(_KEY, name))[_KEY].startswith(told)


def test_a_weight_that_is_also_an_input_is_a_leak() -> None:
    spec: dict[str, Any] = content()
    spec["ranking"]["tasks"][0]["weight_by"] = "margin"
    spec["interactions"]["context"] = ["margin"]
    fields = {c.name: c.dtype.text for c in views()["events"].columns} | {"margin": "Float64"}
    events = view("events", {"user_id": "String", "thing_id": "Int64"}, fields)
    told = problems(catalogue({"events": events}), spec)
    assert told["interactions.context.0"].startswith("'margin' is the weight_by of ranking.tasks.0")
    spec["interactions"]["context"] = []
    told = problems(catalogue({"events": events}, users=[selection(events)]), spec)
    assert told[_KEY].startswith("'margin' is also a feature")
