"""Any valid spec survives being written: as JSON (in a bundle) and as YAML."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from tests.spec.examples import FILES, content
from tfrs_mtl import spec
from tfrs_mtl.spec import Spec, load_spec, parse_spec

_NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
_HOURS = st.integers(1, 24 * 400)
_DURATIONS = _HOURS.map(lambda hours: timedelta(hours=hours))
_FLAGS = st.none() | _NAMES
_WINDOWED = {"window": st.none() | _DURATIONS, "where": _FLAGS}
_MEASURES = st.one_of(
    st.builds(spec.Count, measure=st.just("count"), **_WINDOWED),
    st.builds(spec.Sum, measure=st.just("sum"), column=_NAMES, **_WINDOWED),
    st.builds(spec.Rate, measure=st.just("rate"), where=_NAMES, given=_FLAGS, window=st.none() | _DURATIONS),
    st.builds(spec.Recency, measure=st.just("recency"), where=_FLAGS),
    st.builds(spec.Last, measure=st.just("last"), limit=st.integers(1, 1000), **_WINDOWED),
    st.builds(spec.Ages, measure=st.just("ages"), of=_NAMES),
)
_VIEWS = st.builds(
    spec.BehaviourView,
    of=st.sampled_from(["query", "item"]) | st.tuples(st.just("query"), _NAMES),
    every=st.none() | _DURATIONS,
    limit=st.integers(1, 10_000),
    features=st.dictionaries(_NAMES, _MEASURES, min_size=1, max_size=3),
)
_MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc))
_SPLITS = st.lists(_MOMENTS, min_size=2, max_size=3, unique=True).map(
    lambda found: spec.Split(**dict(zip(("validation", "test", "end"), sorted(found), strict=False)))
)
_INPUTS = st.builds(
    spec.Input,
    kind=st.none() | st.sampled_from(["category", "number", "text", "ignore"]),
    dim=st.none() | st.integers(1, 1024),
    hash_bins=st.none() | st.integers(2, 10**6),
)
_FIRST = st.builds(
    spec.Task, name=st.just("first"), kind=st.just("binary"), label=_NAMES, weight=st.floats(0, 1e6)
)
_LATE = st.builds(
    spec.Task,
    name=st.just("late"),
    kind=st.sampled_from(["binary", "regression"]),
    label=_NAMES,
    when=st.none() | st.just("first"),
    delay=st.none() | _DURATIONS,
)
_STEM = st.builds(spec.Stem, experts=st.integers(1, 64), own_dim=st.integers(1, 256))
_NETWORKS = st.builds(spec.Mmoe, experts=st.integers(2, 64)) | st.just(spec.SharedBottom()) | _STEM
_PARENTS = st.just({"late": ("first",)})
_RANKINGS = st.builds(
    spec.Ranking,
    tasks=st.tuples(_FIRST, _LATE),
    architecture=_NETWORKS | st.builds(spec.Dbmtl, over=_NETWORKS, parents=_PARENTS),
    hidden=st.lists(st.integers(1, 512), min_size=1, max_size=3).map(tuple),
    dropout=st.floats(0, 0.99),
    negatives=st.none() | st.builds(spec.Negatives, popular=st.integers(1, 9), window=_DURATIONS),
)
_SPECS = st.builds(
    Spec,
    version=st.just(1),
    name=st.just("shop"),
    query=st.builds(spec.Query, entity=_NAMES, features=st.none() | _NAMES),
    item=st.builds(spec.Item, entity=_NAMES, display=st.lists(_NAMES, max_size=3, unique=True).map(tuple)),
    interactions=st.builds(spec.Interactions, view=_NAMES),
    split=_SPLITS,
    behaviour=st.builds(spec.Behaviour, every=_DURATIONS, views=st.dictionaries(_NAMES, _VIEWS, max_size=2)),
    inputs=st.dictionaries(_NAMES, _INPUTS, max_size=3),
    ranking=_RANKINGS,
    objective=st.dictionaries(st.just("first"), st.floats(-1e9, 1e9)),
    seed=st.integers(0, 2**31 - 1),
)


@settings(deadline=None)
@given(_SPECS)
def test_a_valid_spec_survives_json_and_yaml(found: Spec) -> None:
    dumped = found.model_dump(mode="json")
    assert parse_spec(json.loads(json.dumps(dumped))) == found
    assert parse_spec(yaml.safe_load(yaml.safe_dump(dumped, allow_unicode=True))) == found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_the_shops_survive_too(file: object) -> None:
    found = load_spec(file)  # type: ignore[arg-type]
    assert parse_spec(yaml.safe_load(yaml.safe_dump(found.model_dump(mode="json")))) == found


@pytest.mark.parametrize(
    ("written", "span"),
    [("12h", timedelta(hours=12)), ("28d", timedelta(28)), ("4w", timedelta(28)), (" 36 h ", timedelta(1.5))],
)
def test_durations_are_read_in_hours_days_and_weeks(written: str, span: timedelta) -> None:
    found = content()
    found["behaviour"]["every"] = written
    assert parse_spec(found).behaviour.every == span


@pytest.mark.parametrize("written", ["2024-03-05T01:00:00+02:00", "2024-03-04T23:00:00Z", "2024-03-04 23:00"])
def test_moments_are_held_in_utc(written: str) -> None:
    found = content()
    found["split"]["validation"] = written
    assert parse_spec(found).split.validation == datetime(2024, 3, 4, 23, tzinfo=timezone.utc)


def test_every_section_is_frozen_and_forbids_unknown_keys() -> None:
    sections = [getattr(spec, name) for name in spec.__all__]
    models = [s for s in sections if isinstance(s, type) and issubclass(s, BaseModel)]
    assert len(models) > 20
    assert all(m.model_config["frozen"] and m.model_config["extra"] == "forbid" for m in models)
    with pytest.raises(ValidationError, match="frozen"):
        parse_spec(content()).name = "other"  # type: ignore[misc]


def test_the_names_of_the_package_are_sorted() -> None:
    assert spec.__all__ == sorted(spec.__all__)
    assert all(hasattr(spec, name) for name in spec.__all__)
