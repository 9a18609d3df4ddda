"""The demo's parts: steps are measured and stop at a failure; a household is chosen by rule and shown."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from examples.beside import Beside
from examples.results import write_results
from examples.steps import StepFailedError, Steps

ROOT = Path(__file__).resolve().parents[1]
AT = datetime(2017, 11, 1, tzinfo=timezone.utc)


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


_MEASURED = """
import json, sys
from pathlib import Path
from examples.steps import Steps
steps = Steps(Path())
steps.run("small", [sys.executable, "-c", "print('hello')"])
steps.run("large", [sys.executable, "-c", "x = bytearray(300 * 2**20); print('there')"])
steps.run("small again", [sys.executable, "-c", "pass"])
print(json.dumps(steps.done))
"""


def test_a_step_is_measured_and_its_output_seen() -> None:
    # In a small process: a child's peak counts its parent's memory at the start.
    done = subprocess.run(_python(_MEASURED), cwd=ROOT, check=True, capture_output=True, text=True)
    out = done.stdout
    assert out.index("[1] small") < out.index("hello") < out.index("[2] large") < out.index("there")
    measured = json.loads(out.splitlines()[-1])
    assert measured["small again"]["peak_mib"] < 300 < measured["large"]["peak_mib"]
    assert all(step["seconds"] >= 0 for step in measured.values())


def test_of_a_step_that_talks_only_what_matters_is_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Steps(tmp_path).run(
        "apply", _python("print('meta {'); print('Created view'); print('}')"), only="Created"
    )
    lines = capfd.readouterr().out.splitlines()
    assert "Created view" in lines
    assert "meta {" not in lines


def test_a_programs_answer_is_the_last_line_of_its_output(tmp_path: Path) -> None:
    code = "import json, sys; print('noise'); print(json.dumps({'given': sys.argv[1:]}))"
    assert Steps(tmp_path).read("ask", [*_python(code), "it"]) == {"given": ["it", "--json"]}


@pytest.mark.parametrize(
    ("code", "status"), [("raise SystemExit(2)", 2), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_a_failing_step_stops_with_its_status(code: str, status: int, tmp_path: Path) -> None:
    with pytest.raises(StepFailedError, match=f"'broken' failed with exit status {status}") as caught:
        Steps(tmp_path).run("broken", _python(code))
    assert caught.value.status == status


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Return a repo of three households with 1, 2 and 4 purchases, and one that never came back."""
    lines = [
        (1, 10, -1),
        (2, 10, -2),
        (2, 11, -1),
        (3, 10, -4),
        (3, 10, -3),
        (3, 10, -2),
        (3, 11, -1),
        (4, 10, -9),
    ]
    later = [(1, 10, 1), (2, 12, 1), (2, 13, 0), (3, 11, 2)]
    bought = [(h, p, AT + timedelta(days=d), 2.0) for h, p, d in lines + later]
    names = ("household_id", "product_id", "event_timestamp", "sales_value")
    products = {"product_id": [10, 11, 12, 13], "product_type": ["MILK", "TEA", "TEA", "SOAP"]}
    answers = [(h, n + 1, p) for h in (1, 2, 3) for n, p in enumerate((11, 12))]
    (tmp_path / "data").mkdir()
    (tmp_path / "artefacts").mkdir()
    tables = {
        "data/purchases": dict(zip(names, zip(*bought, strict=True), strict=True)),
        "data/products": {**products, "package_size": [None] * 4, "product_category": ["X"] * 4},
        "artefacts/recommendations": {
            **dict(zip(("query", "rank", "item"), zip(*answers, strict=True), strict=True)),
            "purchase": [0.5] * 6,
            "spend": [2.0] * 6,
        },
    }
    for name, columns in tables.items():
        pq.write_table(pa.table({k: list(v) for k, v in columns.items()}), tmp_path / f"{name}.parquet")
    return tmp_path


def test_the_household_shown_is_the_median_one_of_those_that_came_back(repo: Path) -> None:
    assert Beside(repo, AT).median_household() == 2


def test_what_was_bought_later_is_marked_by_product_and_by_type(repo: Path) -> None:
    screen = Console(width=120, record=True, file=io.StringIO())
    Beside(repo, AT).show(2, screen)
    text = screen.export_text()
    (first, second) = [line.split() for line in text.splitlines() if line.strip().startswith(("1 ", "2 "))]
    assert first[1:] == ["TEA", "X", "50.00%", "2.00", "1", "x", "its", "type"]
    assert second[1:] == ["TEA", "X", "50.00%", "2.00", "it"]
    assert "of 2 recommended products it later bought 1, and of 1 more another of the same type" in text
    assert "All 3 households that bought later: 0.7 of 2 in the mean, at least one for 67% of them" in text


def test_without_anybody_who_came_back_it_says_so(repo: Path) -> None:
    with pytest.raises(click.ClickException, match="no household bought before and after 2030"):
        Beside(repo, datetime(2030, 1, 1, tzinfo=timezone.utc)).median_household()


def test_results_take_their_place_in_the_readme_again_and_again() -> None:
    metrics = {"ours": {"recall@50": 0.5}, "popularity": {"recall@50": None}}
    demo = {
        "retrieval": {"all": metrics, "new": metrics},
        "ranking": {"purchase": {"ours": {"auc": 0.75}}},
        "steps": {"train": {"seconds": 61.25, "peak_mib": 2048}, "apply": {"seconds": 2.0, "peak_mib": 300}},
        "batch": {"queries": 2469, "seconds": 9.0},
    }
    readme = "before\n<!-- results: by a script -->\nwhat it was\n<!-- /results -->\nafter\n"
    once = write_results(readme, demo)
    assert write_results(once, demo) == once
    assert once.startswith("before\n")
    assert once.endswith("<!-- /results -->\nafter\n")
    assert "| ours |  | 0.5000 |" in once
    assert "| purchase | ours | 0.7500 |" in once
    assert "| all | 63 |" in once
    assert "what it was" not in once
    with pytest.raises(click.ClickException, match="found 0"):
        write_results("no place", demo)
