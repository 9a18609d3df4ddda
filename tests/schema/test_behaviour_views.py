"""Declared behaviour views against the registry's: whatever would keep the builder from filling them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.schema.registry import catalogue, column, problems, view, views
from tests.spec.examples import spoilt
from tfrs_mtl.schema import Source, View

_COUNTS = "behaviour.views.user_counts"
_BRANDS = "behaviour.views.user_brands"


def _fields(of: str, **types: str | None) -> dict[str, View]:
    """Return a view with fields added, retyped, or (None) taken away."""
    held = {c.name: c.dtype.text for c in views()[of].columns}
    kept = {name: text for name, text in (held | types).items() if text is not None}
    return {of: replace(views()[of], columns=tuple(column(*item) for item in kept.items()))}


def test_fields_that_nothing_fills_are_named() -> None:
    told = problems(catalogue(_fields("user_counts", extra="Int64", other="Int64")))
    assert told == {
        f"{_COUNTS}.features": "view 'user_counts' has fields that no feature here fills: extra, other; "
        "declare them, or drop them from the view"
    }


def test_a_pair_view_has_one_field_more_for_its_keys_and_no_other() -> None:
    told = problems(catalogue(_fields("user_brands", extra="Array(Int64)")))
    assert list(told) == [f"{_BRANDS}.features"]
    assert told[f"{_BRANDS}.features"].startswith("view 'user_brands' has fields that no feature")


def test_a_feature_without_its_field_is_told_the_fields() -> None:
    told = problems(catalogue(), spoilt(f"{_COUNTS}.features.seen_7d", None, rename="seen_8d"))
    assert told[f"{_COUNTS}.features.seen_8d"].startswith(
        "view 'user_counts' has no field 'seen_8d'; did you mean 'seen_7d'? valid: ages, last_things, seen_7d"
    )


@pytest.mark.parametrize(
    ("changed", "place", "expected"),
    [
        ({"seen_7d": "String"}, "seen_7d", "field 'seen_7d' is String; count gives Int or Float"),
        ({"seen_7d": "Array(Int64)"}, "seen_7d", "field 'seen_7d' is Array(Int64); a scalar was expected"),
        ({"last_things": "Int64"}, "last_things", "field 'last_things' is Int64; a list was expected"),
        (
            {"last_things": "Array(String)"},
            "last_things",
            "field 'last_things' is Array(String), but lists values of 'thing_id', which is Int64",
        ),
        ({"ages": "Array(Int64)"}, "ages", "field 'ages' is Array(Int64); ages gives Float32 or Float64"),
    ],
)
def test_a_field_of_the_wrong_type_is_refused(changed: dict[str, str], place: str, expected: str) -> None:
    assert problems(catalogue(_fields("user_counts", **changed)))[f"{_COUNTS}.features.{place}"] == expected


def test_the_view_must_be_keyed_by_whom_it_describes() -> None:
    told = problems(catalogue(), spoilt(f"{_COUNTS}.of", "item"))
    assert (
        told[f"{_COUNTS}.of"]
        == "view 'user_counts' is keyed by ['user_id'], but `of: item` needs ['thing_id']"
    )


def test_only_local_parquet_is_written() -> None:
    away = replace(views()["user_counts"], source=Source("BigQuerySource", None, "at", None))
    assert problems(catalogue({"user_counts": away}))[_COUNTS].startswith(
        "its source is a BigQuerySource; snapshots are parquet: use a local FileSource"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "view 'user_brands' holds its keys in 'brand', which it lacks; Array(String) or"),
        ("String", "view 'user_brands' holds its keys in 'brand', which is String; Array(String) or"),
        (
            "Array(Int64)",
            "field 'brand' of view 'user_brands' is Array(Int64), but the item's",
        ),
    ],
)
def test_the_keys_of_a_pair_view_must_be_able_to_meet_the_items(text: str | None, expected: str) -> None:
    assert problems(catalogue(_fields("user_brands", brand=text)))[f"{_BRANDS}.of"].startswith(expected)


def test_a_pair_view_does_not_hold_lists_of_lists() -> None:
    told = problems(catalogue(), spoilt(f"{_BRANDS}.features.bought", {"measure": "last"}))
    assert (
        told[f"{_BRANDS}.features.bought.measure"] == "'last' is a list already and does not fit a pair view"
    )


def test_a_pair_view_may_be_of_the_item_itself() -> None:
    pairs = view("user_brands", {"user_id": "String"}, {"thing_id": "Array(Int64)", "bought": "Array(Int64)"})
    assert problems(catalogue({"user_brands": pairs}), spoilt(f"{_BRANDS}.of", ["query", "item"])) == {}


@pytest.mark.parametrize(
    ("measure", "key", "expected"),
    [
        ({"measure": "sum", "column": "device"}, "column", "'device' is String; a number was expected"),
        (
            {"measure": "count", "where": "price"},
            "where",
            "'price' is Float64; a boolean or 0/1",
        ),
        (
            {"measure": "count", "where": "kept"},
            "where",
            "'kept' is a delayed label: it is not known",
        ),
        (
            {"measure": "distinct", "column": "stor"},
            "column",
            "view 'events' has no column 'stor'; did",
        ),
    ],
)
def test_a_column_that_cannot_be_counted_is_refused(measure: dict[str, str], key: str, expected: str) -> None:
    told = problems(catalogue(), spoilt(f"{_COUNTS}.features.seen_7d", measure))
    assert told[f"{_COUNTS}.features.seen_7d.{key}"].startswith(expected)
