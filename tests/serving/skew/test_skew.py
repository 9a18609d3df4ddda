"""What a request feeds the models is what training would have fed them; what is not so is found and named."""

from __future__ import annotations

import json
import math
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from feast.protos.feast.types.Value_pb2 import Value

from serving import Recommender
from serving.skew import sampled
from serving.skew.compare import differing
from serving.state import State, load_state
from tests.e2e.built import Built, run
from tests.serving.elsewhere import PRICE, elsewhere, execute, materialise
from tfrs_mtl.project import open_project

_BEHAVIOUR = {"bazaar": "article_sales", "cinema": "film_behaviour"}
_COUNT = {"bazaar": "orders_28d", "cinema": "film_shown_28d"}


def state_of(built: Built, root: Path) -> State:
    return load_state(open_project(root, artefacts=built.project.artefacts), "current")


@pytest.fixture(scope="module")
def moment(built: Built) -> datetime:
    """Between two snapshots, in the test window."""
    return built.at - timedelta(days=9, hours=5, microseconds=1)


@pytest.fixture(scope="module")
def state(built: Built, moment: datetime, tmp_path_factory: pytest.TempPathFactory) -> State:
    """Over an online store that was filled at that moment."""
    root = elsewhere(built, tmp_path_factory.mktemp(built.name) / "repo")
    materialise(root, moment)
    return state_of(built, root)


def test_as_of_the_latest_materialisation_both_paths_feed_the_models_the_same(
    state: State, moment: datetime
) -> None:
    report = sampled(state, rows=400, seed=0)
    assert report.differences == ()
    assert (report.at, report.items_from) == (moment, "store")
    assert report.queries == report.pairs > 200
    assert report.items > 30


def test_what_has_expired_is_unknown_to_both_paths(built: Built, tmp_path: Path) -> None:
    state = state_of(built, elsewhere(built, tmp_path / "repo", emptied=False))
    for days in (0, 14, 15, 41):  # the views live for a fortnight, for 40 days, for years
        assert sampled(state, rows=200, seed=1, at=built.at + timedelta(days=days)).differences == ()


def test_a_store_that_is_behind_or_ahead_is_told_from_one_that_is_wrong(
    built: Built, state: State, moment: datetime
) -> None:
    for days, cause in ((4, "older"), (-4, "newer")):
        report = sampled(state, rows=200, seed=0, at=moment + timedelta(days=days))
        found = {difference.feature: difference for difference in report.differences}
        causes = {cause for difference in found.values() for cause in difference.causes}
        assert cause in causes
        assert "value" not in causes
        behaviour = found[f"{_BEHAVIOUR[built.name]}__{_COUNT[built.name]}"]
        assert behaviour.rows >= behaviour.inputs > 0


def test_a_changed_value_is_named_with_both_values(built: Built, moment: datetime, tmp_path: Path) -> None:
    root = elsewhere(built, tmp_path / "repo")
    materialise(root, moment)
    view, column, value = PRICE[built.name]
    table = f"{built.name}_{view}"
    execute(root, f'UPDATE "{table}" SET value = ? WHERE feature_name = ?', value.SerializeToString(), column)
    done = run("-c", str(root), "--artefacts", str(built.project.artefacts), "skew", "--rows", "50", "--json")
    content = json.loads(done.stdout)
    (found,) = content["differences"]
    assert (done.exit_code, content["ok"]) == (1, False)
    assert (found["part"], found["feature"]) == ("item", f"{view}__{column}")
    assert found["causes"] == {"value": found["rows"]}
    assert found["example"]["served"] == 0.5 != found["example"]["offline"]
    shown = run("-c", str(root), "--artefacts", str(built.project.artefacts), "skew", "--rows", "50").stdout
    assert all(text in shown for text in (column, "0.5", f"value {found['rows']}"))


def test_the_bundles_own_items_are_compared_where_no_refresh_is_asked_for(built: Built) -> None:
    content = built.json("skew", "--at", built.at.isoformat())
    assert (content["ok"], content["items_from"], content["differences"]) == (True, "bundle", [])


def test_before_anything_was_materialised_it_says_how_to_go_on(built: Built, tmp_path: Path) -> None:
    root = elsewhere(built, tmp_path / "repo")
    done = run("-c", str(root), "--artefacts", str(built.project.artefacts), "skew")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "feast materialize" in done.stderr


def test_logged_answers_are_replayed_and_what_was_served_wrong_is_found(built: Built, tmp_path: Path) -> None:
    root = elsewhere(built, tmp_path / "repo", emptied=False, log={"share": 1}, refresh=None, deadline="10s")
    shutil.copytree(built.bundles, root / "artefacts" / "bundles")
    queries = built.shop.queries.keys.to_pylist()[:60]
    recommender = Recommender.load(root, clock=lambda: built.at)
    recommender.recommend_many(queries[:50])
    if built.name == "cinema":
        sql = 'UPDATE "cinema_member_profile" SET value = ? WHERE feature_name = ?'
        execute(root, sql, Value(int64_val=1900).SerializeToString(), "birth_year")
    recommender.recommend_many(queries[50:], at=built.at + timedelta(seconds=1))
    recommender.close()
    right = run(
        "-c", str(root), "skew", "--replay", "--json", "--at", (built.at + timedelta(0, 1)).isoformat()
    )
    assert (right.exit_code, json.loads(right.stdout)["queries"]) == (0, 50)
    content = json.loads(run("-c", str(root), "skew", "--replay", "--json").stdout)
    assert content["queries"] == 60
    wrong = {found["feature"]: found["causes"] for found in content["differences"]}
    assert list(wrong) == ([] if built.name == "bazaar" else ["member_profile__birth_year"])


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.0, math.nan, None, 2.0], [1.0, math.nan, None, 2.5], [False, False, False, True]),
        (
            [[], None, [1.0], [1.0, math.nan]],
            [None, None, [1.0, 2.0], [1.0, math.nan]],
            [True, False, True, False],
        ),
        ([0.0, 0.1], [-0.0, 0.1], [False, False]),
    ],
)
def test_values_are_compared_exactly(a: list[Any], b: list[Any], expected: list[bool]) -> None:
    assert differing(pa.array(a), pa.array(b)).tolist() == expected
