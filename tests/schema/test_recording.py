"""What keeps events from the views that they bring up to date is told with the other contradictions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.schema.registry import catalogue, found, problems, selection, view, views
from tests.spec.examples import content
from tfrs_mtl.schema import View, histories


def recording() -> dict[str, Any]:
    return {**content(), "serving": {"record": True}}


def pushed(*names: str, source: str | None = None) -> dict[str, View]:
    """Return views with a push source of their own, or with the given one."""
    return {name: replace(views()[name], push=source or f"{name}_push") for name in names}


def test_the_querys_views_with_a_list_or_a_recency_follow_its_events() -> None:
    schema, told = found(catalogue(pushed("user_counts")), recording())
    assert told == {}
    assert schema is not None
    assert [view.name for view, _ in histories(schema)] == ["user_counts"]


def test_a_view_without_a_push_source_is_told_what_to_declare() -> None:
    told = problems(catalogue(pushed("events")), recording())
    assert list(told) == ["serving.record"]
    assert told["serving.record"].startswith("feature view 'user_counts' has no push source")
    assert "PushSource(name=..., batch_source=<its source>)" in told["serving.record"]


def test_without_recording_no_push_source_is_missed() -> None:
    assert problems(catalogue()) == {}


def test_a_push_source_that_feeds_two_views_is_refused() -> None:
    told = problems(catalogue(pushed("user_counts", "user_facts", source="both")), recording())
    assert told["serving.record"].startswith("push source 'both' feeds user_counts, user_facts")


def test_a_shop_of_which_nothing_can_be_pushed_is_told_so() -> None:
    spec = recording()
    del spec["behaviour"]["views"]["user_counts"]
    facts = selection(view("user_facts", {"user_id": "String"}, {"age": "Int64"}))
    assert "there is nothing to push" in problems(catalogue(users=[facts]), spec)["serving.record"]
    assert "serving.record" not in problems(catalogue(pushed("events"), users=[facts]), spec)
