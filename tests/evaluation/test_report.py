"""Tables for people and trees for programs."""

from __future__ import annotations

import json
import math

import pytest
from rich.console import Console
from rich.table import Table

from tfrs_mtl.evaluation import Interval, point_values, ranking_table, retrieval_table, with_intervals
from tfrs_mtl.evaluation.report import best

NAN = float("nan")
BOLD = "\x1b[1m"


def printed(table: Table, *, styled: bool = False) -> list[str]:
    console = Console(width=100, force_terminal=styled, color_system="standard" if styled else None)
    with console.capture() as capture:
        console.print(table)
    return capture.get().splitlines()


def row(lines: list[str], metric: str) -> str:
    return next(line for line in lines if metric in line)


def test_a_retrieval_table_has_a_row_a_metric_and_a_column_a_contender() -> None:
    contenders = {"ours": {"recall@10": 0.25, "coverage@10": NAN}, "popularity": {"recall@10": 0.125}}
    lines = printed(retrieval_table(contenders, title="all purchases"))
    assert "all purchases" in lines[0]
    assert row(lines, "metric").split("┃")[1:-1] == [" metric      ", "   ours ", " popularity "]
    assert row(lines, "recall@10").split("│")[2:4] == [" 0.2500 ", "     0.1250 "]
    assert row(lines, "coverage@10").split("│")[2:4] == ["      - ", "            "]


def test_the_best_value_of_a_row_is_bold_and_the_others_are_not() -> None:
    contenders = {"ours": {"recall@10": 0.25}, "popularity": {"recall@10": 0.125}}
    line = row(printed(retrieval_table(contenders, title=""), styled=True), "recall@10")
    assert f"{BOLD}0.2500" in line
    assert f"{BOLD}0.1250" not in line


def test_a_single_contender_has_nothing_to_be_better_than() -> None:
    line = row(printed(retrieval_table({"ours": {"recall@10": 0.25}}, title=""), styled=True), "recall@10")
    assert BOLD not in line


def test_an_interval_stands_behind_its_value() -> None:
    table = retrieval_table({"ours": {"recall@10": Interval(0.25, 0.2, 0.3)}}, title="")
    assert "0.2500 [0.2000, 0.3000]" in row(printed(table), "recall@10")


def test_a_ranking_table_has_a_section_a_task_and_contenders_may_lack_one() -> None:
    tasks = {
        "purchase": {"mmoe": {"auc": 0.7}, "single [task]": {"auc": 0.6}},
        "spend": {"mmoe": {"rmse": 2.5}},
    }
    lines = printed(ranking_table(tasks, title="ranking"))
    assert "single [task]" in row(lines, "task")
    assert row(lines, "purchase").split("│")[2:5] == [" auc    ", " 0.7000 ", "        0.6000 "]
    assert row(lines, "spend").split("│")[2:5] == [" rmse   ", " 2.5000 ", "               "]


@pytest.mark.parametrize(
    ("metric", "values", "winners"),
    [
        ("auc", {"a": 0.7, "b": 0.6}, {"a"}),
        ("rmse", {"a": 0.7, "b": 0.6}, {"b"}),
        ("pcoc", {"a": 0.8, "b": 1.1, "c": 3.0}, {"b"}),
        ("recall@10", {"a": NAN, "b": 0.1, "c": 0.1}, {"b", "c"}),
        ("auc", {"a": NAN}, set()),
    ],
)
def test_the_best_is_lowest_for_errors_nearest_to_one_for_pcoc_and_highest_for_all_else(
    metric: str, values: dict[str, float], winners: set[str]
) -> None:
    assert best(metric, values) == winners


def test_json_has_null_where_a_value_is_not_defined() -> None:
    tree = {"purchase": {"ours": {"auc": NAN, "ece": Interval(0.1, NAN, math.inf)}, "none": {}}}
    assert json.loads(json.dumps(point_values(tree), allow_nan=False)) == {
        "purchase": {"ours": {"auc": None, "ece": 0.1}, "none": {}}
    }
    assert json.loads(json.dumps(with_intervals(tree), allow_nan=False)) == {
        "purchase": {"ours": {"auc": None, "ece": {"value": 0.1, "low": None, "high": None}}, "none": {}}
    }
