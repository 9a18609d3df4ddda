"""`tfrs-mtl check`: all that is wrong with a spec, its registry and its data, in one run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner, Result

from tests.shops import SHOPS
from tfrs_mtl.check import Findings, check_project
from tfrs_mtl.cli import main
from tfrs_mtl.errors import Problem

_SAMPLE = Path(__file__).resolve().parents[1] / "feature_repo"
_APPLY = "from feast.cli.cli import cli; cli(['apply'])"
_BEHAVIOUR = {
    "bazaar": {"article_sales"},
    "cinema": {"member_behaviour", "member_genres", "film_behaviour"},
    "grocery": {"household_behaviour", "household_categories", "household_products", "product_behaviour"},
}

Change = Callable[[pa.Table], pa.Table]


def _apply(repo: Path) -> Path:
    done = subprocess.run([sys.executable, "-c", _APPLY], cwd=repo, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return repo


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return an applied shop, built once; whoever changes it mends it."""
    repos: dict[str, Path] = {}

    def once(name: str) -> Path:
        if name not in repos:
            root = tmp_path_factory.mktemp(f"check_{name}") / "repo"
            if name == "grocery":
                shutil.copytree(_SAMPLE, root, ignore=shutil.ignore_patterns("data", "__pycache__"))
                (root / "data").mkdir()
            else:
                SHOPS[name](root)
            repos[name] = _apply(root)
        return repos[name]

    return once


def _spec(repo: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((repo / "recommender.yaml").read_text())
    return found


def _checked(repo: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> Findings:
    """Check a repo with a changed spec."""
    content, file = _spec(repo), tmp_path / "recommender.yaml"
    change(content)
    file.write_text(yaml.safe_dump(content))
    return check_project(repo, spec=file)


def _errors(found: Findings) -> dict[str, str]:
    """Return place -> what, the places without the file's directory."""
    return _told(found, "error")


def _told(found: Findings, severity: str) -> dict[str, str]:
    chosen = [problem for problem in found.problems if problem.severity == severity]
    told = {problem.where.rpartition("/")[2]: problem.what for problem in chosen}
    assert len(told) == len(chosen), chosen
    return told


@contextmanager
def _with_data(repo: Path, name: str, change: Change) -> Iterator[Path]:
    """Give the shared repo with one table changed, and mend it afterwards: applying a copy takes long."""
    file = repo / "data" / f"{name}.parquet"
    held = file.read_bytes()
    try:
        pq.write_table(change(pq.read_table(file)), file)
        yield repo
    finally:
        file.write_bytes(held)


def _set(name: str, values: Callable[[pa.ChunkedArray], Any]) -> Change:
    def change(table: pa.Table) -> pa.Table:
        return table.set_column(table.schema.get_field_index(name), name, values(table.column(name)))

    return change


@pytest.mark.parametrize("name", ["bazaar", "cinema"])
def test_a_sound_shop_has_no_error_and_is_told_to_build_its_features(
    name: str, shop: Callable[[str], Path]
) -> None:
    found = check_project(shop(name))
    assert _errors(found) == {}
    assert found.is_fine
    hints = _told(found, "hint")
    for view in _BEHAVIOUR[name]:
        assert "does not exist; run `tfrs-mtl features`, which writes it" in hints[f"feature view '{view}'"]
    assert [window.name for window in found.windows] == ["train", "validation", "test"]
    assert all(window.rows > 0 for window in found.windows)


def test_counts_of_labels_know_conditions_and_delays(shop: Callable[[str], Path]) -> None:
    found = check_project(shop("cinema"))
    events = pq.read_table(shop("cinema") / "data" / "impressions.parquet")
    early = events.filter(pc.less(events["shown_at"], pa.scalar(datetime(2024, 4, 1, tzinfo=timezone.utc))))
    clicks = pc.sum(early["clicked"]).as_py()
    facts = {task.name: task for task in found.windows[0].tasks}
    assert (facts["click"].labels, facts["click"].positives) == (len(early), clicks)
    assert facts["cart"].labels == clicks
    hints = _told(check_project(shop("bazaar")), "hint")
    assert hints["recommender.yaml: ranking.tasks.2.label"] == (
        "'kept' has no label in the validation window: none is known 14d before it ends; "
        "the task is not judged there"
    )


def test_the_sample_shop_misses_nothing_but_its_data(shop: Callable[[str], Path]) -> None:
    found = check_project(shop("grocery"))
    assert found.schema is not None
    files = {"purchases": "purchases", "household_profile": "households", "product_attributes": "products"}
    assert set(_errors(found)) == {f"feature view '{view}'" for view in files}
    for view, file in files.items():
        what = _errors(found)[f"feature view '{view}'"]
        assert what.endswith(f"{file}.parquet does not exist; write it, or mend the path")
    assert set(_told(found, "hint")) == {f"feature view '{view}'" for view in _BEHAVIOUR["grocery"]}


def test_problems_of_every_kind_come_in_one_run(shop: Callable[[str], Path], tmp_path: Path) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["retrieval"]["dimm"] = 9
        spec["query"]["fetures"] = spec["query"].pop("features")
        spec["item"]["display"] = ["synopsys"]
        spec["ranking"]["tasks"][1]["label"] = "crat"
        spec["behaviour"]["views"]["member_behaviour"]["features"]["shown_28d"]["measure"] = "cuont"
        spec["behaviour"]["views"]["film_behaviour"]["features"]["film_members"]["column"] = "member"
        spec["inputs"]["grup"] = {"hash_bins": 4}
        spec["split"] = {"validation": "2024-04-01", "test": "2030-01-01"}

    found = _checked(shop("cinema"), tmp_path, change)
    assert set(_errors(found)) == {
        "recommender.yaml: retrieval.dimm",
        "recommender.yaml: query.fetures",
        "recommender.yaml: item.display.0",
        "recommender.yaml: ranking.tasks.1.label",
        "recommender.yaml: behaviour.views.member_behaviour.features.shown_28d.measure",
        "recommender.yaml: behaviour.views.film_behaviour.features.film_members.column",
        "recommender.yaml: inputs.grup",
        "recommender.yaml: split.test",
    }
    assert "did you mean 'synopsis'?" in _errors(found)["recommender.yaml: item.display.0"]
    assert not found.is_fine


def test_what_is_not_known_of_a_faulty_spec_is_not_complained_of(
    shop: Callable[[str], Path], tmp_path: Path
) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["item"] = 7
        spec["split"]["test"] = "soon"
        spec["ranking"]["tasks"][3] = []
        spec["behaviour"]["views"]["member_genres"]["of"] = 3

    found = _checked(shop("cinema"), tmp_path, change)
    assert set(_errors(found)) == {
        "recommender.yaml: item",
        "recommender.yaml: split.test",
        "recommender.yaml: ranking.tasks.3",
        "recommender.yaml: behaviour.views.member_genres.of",
    }


@pytest.mark.parametrize(
    ("split", "key", "expected"),
    [
        (
            {"validation": "2020-01-01", "test": "2024-04-11"},
            "validation",
            "the train window, before 2020-01-01, is empty: the interactions span 2024-01-",
        ),
        (
            {"validation": "2024-04-01", "test": "2024-04-01T00:00:00.000001"},
            "validation",
            "the validation window, from 2024-04-01 to 2024-04-01 00:00, is empty: the inter",
        ),
        (
            {"validation": "2024-04-01", "test": "2031-01-01"},
            "test",
            "the test window, from 2031-01-01, is empty: the interactions span 2024-01-",
        ),
    ],
)
def test_an_empty_window_is_named_with_the_span_of_the_data(
    split: dict[str, str], key: str, expected: str, shop: Callable[[str], Path], tmp_path: Path
) -> None:
    found = _checked(shop("cinema"), tmp_path, lambda spec: spec.update(split=split))
    assert _errors(found)[f"recommender.yaml: split.{key}"].startswith(expected)


@pytest.mark.parametrize(
    ("column", "values", "place", "expected"),
    [
        (
            "clicked",
            lambda old: pc.multiply(old, 0),
            "ranking.tasks.0.label",
            "'click' has no positive among ",
        ),
        (
            "clicked",
            lambda old: pc.add(pc.multiply(old, 0), 1),
            "ranking.tasks.0.label",
            "'click' is positive in all ",
        ),
        (
            "clicked",
            lambda old: pc.multiply(old, 7),
            "ranking.tasks.0.label",
            "'click' holds 7; a binary task takes 0, 1 and null",
        ),
        (
            "cart",
            lambda old: pc.if_else(True, pa.scalar(None, pa.int64()), old),
            "ranking.tasks.1.label",
            "'cart' has no known label in the training window given 'click'",
        ),
        (
            "revenue",
            lambda old: pc.add(pc.multiply(old, 0.0), 2.5),
            "ranking.tasks.3.label",
            "'revenue' is 2.5 in all ",
        ),
        (
            "revenue",
            lambda old: pc.divide(old, 0.0),
            "ranking.tasks.3.label",
            "'revenue' holds infinite values; numbers and null were expected",
        ),
        (
            "revenue",
            lambda old: pc.multiply(old, -1.0),
            "ranking.tasks.3.label",
            "'revenue' is as low as -",
        ),
    ],
)
def test_labels_that_teach_nothing_are_named(
    column: str,
    values: Callable[[pa.ChunkedArray], Any],
    place: str,
    expected: str,
    shop: Callable[[str], Path],
) -> None:
    with _with_data(shop("cinema"), "impressions", _set(column, values)) as repo:
        found = check_project(repo)
    told = [p.what for p in found.problems if p.where.endswith(f"recommender.yaml: {place}")]
    assert any(what.startswith(expected) for what in told), told
    assert not found.is_fine


@pytest.mark.parametrize(
    ("options", "floor", "expected"),
    [
        (
            {"loss": "lognormal"},
            0.0,
            "'revenue' is as low as 0 in the train window given 'order'; `loss: logn",
        ),
        ({"loss": "poisson"}, -9.0, "'revenue' is as low as -"),
        ({"loss": "zero_inflated_lognormal"}, -9.0, "'revenue' is as low as -"),
        ({"kind": "ordinal"}, -9.0, "'revenue' has "),
        ({"kind": "multiclass"}, -9.0, "'revenue' has "),
        ({"loss": "poisson"}, 0.0, None),
        ({"loss": "huber"}, -9.0, None),
    ],
)
def test_labels_that_a_head_cannot_learn_are_refused(
    options: dict[str, str], floor: float, expected: str | None, shop: Callable[[str], Path], tmp_path: Path
) -> None:
    """Planted: revenues less 10, but none below the floor."""
    change = _set("revenue", lambda old: pc.max_element_wise(pc.subtract(old, 10.0), floor))

    def declare(spec: dict[str, Any]) -> None:
        task = {"name": "revenue", "kind": "regression", "label": "revenue", "when": "order"}
        spec["ranking"]["tasks"][3] = {**task, **options}

    with _with_data(shop("cinema"), "impressions", change) as repo:
        told = _errors(_checked(repo, tmp_path, declare)).get("recommender.yaml: ranking.tasks.3.label")
    assert told is None if expected is None else str(told).startswith(expected)


def test_a_negative_weight_of_a_row_is_named(shop: Callable[[str], Path], tmp_path: Path) -> None:
    def declare(content: dict[str, Any]) -> None:
        content["ranking"]["tasks"][0]["weight_by"] = "revenue"

    change = _set("revenue", lambda old: pc.negate(old))
    with _with_data(shop("cinema"), "impressions", change) as repo:
        what = _errors(_checked(repo, tmp_path, declare))["recommender.yaml: ranking.tasks.0.weight_by"]
    assert what.startswith("'revenue' holds -")


def test_a_flag_of_other_values_is_named_where_it_is_counted(shop: Callable[[str], Path]) -> None:
    change = _set("cart", lambda old: pc.multiply(old, 3))
    with _with_data(shop("cinema"), "impressions", change) as repo:
        errors = _errors(check_project(repo))
    what = errors["recommender.yaml: behaviour.views.member_behaviour.features.cart_rate.where"]
    assert what == "'cart' holds 3; a boolean or 0/1 column was expected (and 1 more)"


@pytest.mark.parametrize("damage", ["missing", "truncated", "other"])
def test_a_damaged_file_is_named_with_its_view(damage: str, shop: Callable[[str], Path]) -> None:
    file = shop("cinema") / "data" / "impressions.parquet"
    with _with_data(shop("cinema"), "impressions", lambda table: table) as repo:
        held = file.read_bytes()
        file.write_bytes(held[: len(held) // 2] if damage == "truncated" else b"not parquet at all")
        if damage == "missing":
            file.unlink()
        found = check_project(repo)
    what = _errors(found)["feature view 'impressions'"]
    expected = "does not exist; write it" if damage == "missing" else "cannot be read: truncated, or"
    assert expected in what
    assert str(file) in what
    assert found.windows == ()


def test_missing_columns_and_other_types_are_all_named(shop: Callable[[str], Path]) -> None:
    def change(table: pa.Table) -> pa.Table:
        renamed = {"genre": "gnre", "known_since": "known"}
        table = table.rename_columns([renamed.get(name, name) for name in table.column_names])
        return _set("run time", lambda old: old.cast(pa.string()))(table)

    with _with_data(shop("cinema"), "films", change) as repo:
        found = check_project(repo)
    told = [p.what for p in found.problems if p.where == "feature view 'film_facts'"]
    valid = "valid: family, film_no, gnre, group, known, moods, released, run time, synopsis"
    assert [what.partition("films.parquet ")[2] for what in told[:2]] == [
        f"has no column 'known_since'; did you mean 'known'? {valid}",
        f"has no column 'genre'; did you mean 'gnre'? {valid}",
    ]
    assert told[2].startswith("'run time' is registered as Int64, but is VARCHAR in ")
    assert len(told) == 3
    assert found.windows, "the interactions are sound, and looked at all the same"


def test_whole_numbers_that_look_like_ids_are_a_hint(shop: Callable[[str], Path], tmp_path: Path) -> None:
    hints = _hints_of_sources(
        shop("cinema"),
        tmp_path,
        {'Field(name="run time", dtype=Int64)': 'Field(name="studio_id", dtype=Int64)'},
    )
    assert any("has about " in what and "kind: category" in what for what in hints), hints


def test_nulls_beside_numbers_beyond_float_are_a_hint(shop: Callable[[str], Path]) -> None:
    def change(table: pa.Table) -> pa.Table:
        values = [None, *[2**60 + n for n in range(len(table) - 1)]]
        return _set("run time", lambda old: pa.array(values, pa.int64()))(table)

    with _with_data(shop("cinema"), "films", change) as repo:
        found = check_project(repo)
    assert "holds nulls and values beyond 2^53" in _told(found, "hint")["feature view 'film_facts'"]
    assert found.is_fine


def _hints_of_sources(repo: Path, tmp_path: Path, changes: Mapping[str, str]) -> list[str]:
    """Return all that is said of a repo with changed definitions."""
    copy = tmp_path / "repo"
    shutil.copytree(repo, copy, ignore=shutil.ignore_patterns("registry.db", "__pycache__"))
    for file in copy.rglob("*.py"):
        text = file.read_text()
        for old, new in changes.items():
            text = text.replace(old, new)
        file.write_text(text)
    films = copy / "data" / "films.parquet"
    table = pq.read_table(films)
    pq.write_table(table.append_column("studio_id", table.column("film_no")), films)
    return [problem.what for problem in check_project(_apply(copy)).problems]


def test_relative_paths_and_nameless_formats_are_told_on_duckdb(
    shop: Callable[[str], Path], tmp_path: Path
) -> None:
    changes = {
        'str(_DATA / "impressions.parquet")': '"data/impressions.parquet"',
        'str(_DATA / "films.parquet")': 'str(_DATA / "films")',
    }
    copy = tmp_path / "cinema"
    shutil.copytree(shop("cinema"), copy)
    (copy / "data" / "films").mkdir()
    (copy / "data" / "films.parquet").rename(copy / "data" / "films" / "part-0.parquet")
    (copy / "data" / "films.parquet").symlink_to(copy / "data" / "films" / "part-0.parquet")
    told = _hints_of_sources(copy, tmp_path, changes)
    assert any(
        what.startswith("the path 'data/impressions.parquet' is relative: Feast's duckdb") for what in told
    )
    assert any("does not end in .parquet" in what and "file_format=ParquetFormat()" in what for what in told)


def test_a_registry_that_was_never_applied_is_one_problem(tmp_path: Path) -> None:
    repo = SHOPS["bazaar"](tmp_path / "repo")
    errors = _errors(check_project(repo))
    assert list(errors.values()) == ["holds no feature view: run `feast apply`"]


def test_a_directory_that_is_no_repo_is_named_beside_the_faults_of_the_spec(tmp_path: Path) -> None:
    (tmp_path / "recommender.yaml").write_text("version: 2\n")
    errors = _errors(check_project(tmp_path))
    assert errors["feature_store.yaml"] == "does not exist; name a Feast feature repo with -c"
    assert errors["recommender.yaml: version"] == "this library reads version 1, got 2"


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_command_describes_a_sound_shop_and_exits_with_0(shop: Callable[[str], Path]) -> None:
    result = _run("-c", shop("cinema"), "check")
    assert result.exit_code == 0, result.output
    for text in (
        "query: member, by member_code (String)",
        "item: film, by film_no (Int64)",
        "history: last_films",
        "query with genre: genre_clicks, genre_shown, genre_recency",
        "context: device",
        "train: 14,196 rows",
        "% positive",
        "3 hints",
    ):
        assert text in result.output
    assert "\x1b" not in result.output


def test_the_command_groups_problems_by_file_and_exits_with_2(
    shop: Callable[[str], Path], tmp_path: Path
) -> None:
    spec = _spec(shop("cinema"))
    spec["qery"] = spec.pop("query")
    spec["name"] = "[bold]"
    file = tmp_path / "recommender.yaml"
    file.write_text(yaml.safe_dump(spec))
    result = _run("-c", shop("cinema"), "--spec", file, "check")
    assert result.exit_code == 2
    lines = result.output.splitlines()
    assert lines.count(str(file)) == 1
    assert "  error qery: unknown key; did you mean 'query'?" in result.output
    assert "got '[bold]'" in result.output
    assert lines[-1].startswith("2 errors")


def test_the_command_speaks_json(shop: Callable[[str], Path], tmp_path: Path) -> None:
    good = json.loads(_run("-c", shop("bazaar"), "check", "--json").stdout)
    assert good["ok"] is True
    assert {problem["severity"] for problem in good["problems"]} == {"hint"}
    bad = _run("-c", tmp_path, "check", "--json")
    assert bad.exit_code == 2
    content = json.loads(bad.stdout)
    assert content["ok"] is False
    assert all(set(problem) == {"where", "what", "severity"} for problem in content["problems"])


def test_hints_alone_are_fine() -> None:
    assert Findings((Problem("a", "b", "hint"),)).is_fine
    assert not Findings((Problem("a", "b", "hint"), Problem("a", "b"))).is_fine
