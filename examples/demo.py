"""The whole way on the sample shop: raw data, features, training, evaluation, recommendations.

Every step is a command that one can type by hand, from the root of the checkout with `.venv/bin` on the path.
The last line of the output is one JSON object with what was measured.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from beside import Beside
from rich import box
from rich.console import Console
from rich.table import Table
from steps import StepFailedError, Steps

ROOT = Path(__file__).resolve().parents[1]
REPO = "feature_repo"
BIN = Path(sys.executable).parent
PYTHON, FEAST = sys.executable, str(BIN / "feast")
TFRS_MTL = (str(BIN / "tfrs-mtl"), "-c", REPO)

AT = "2017-11-01"
"""The batch's moment: what comes after is the test window, by which a person can judge it."""
END = "2018-01-04T00:00:00"
"""The last snapshot of the sample, which ends on 2018-01-01: the online store holds the state of then."""


def main() -> int:
    """Run all steps; return the exit status."""
    steps = Steps(ROOT)
    try:
        summary = run(steps)
    except StepFailedError as failure:
        print(failure, file=sys.stderr)
        return failure.status
    except KeyboardInterrupt:
        return 130
    print(json.dumps(summary))
    return 0


def run(steps: Steps) -> dict[str, Any]:
    """Go the whole way; return what the last line tells."""
    households = f"{REPO}/data/household_ids.txt"
    steps.run("data", [PYTHON, "examples/grocery_data.py"])
    steps.run("households", [PYTHON, "examples/household_ids.py", households])
    steps.run("wal", [PYTHON, "examples/sqlite_wal.py"])
    # A second apply tells all that a materialise noted in the views, hundreds of lines.
    steps.run("apply", [FEAST, "-c", REPO, "apply"], only="Created|Updated|Deleted|Deployed|No changes")
    steps.run("check", [*TFRS_MTL, "check"])
    steps.run("features", [*TFRS_MTL, "features"])
    steps.run("materialize", [FEAST, "-c", REPO, "materialize-incremental", END])
    trained = steps.read("train", [*TFRS_MTL, "train"])
    judged = steps.read("evaluate", [*TFRS_MTL, "evaluate"])
    show_results(judged)
    batch = steps.read("batch", [*TFRS_MTL, "batch-score", "--at", AT, "--queries", households])
    print(f"    {batch['queries']:,} households, {batch['rows']:,} recommendations", flush=True)
    show_household(steps)
    artefacts = {
        "bundle": trained["path"],
        "evaluation": judged["file"],
        "recommendations": batch["target"],
        "online_store": ROOT / REPO / "data" / "online_store.db",
        "summary": ROOT / REPO / "artefacts" / "demo.json",
    }
    summary = {
        "steps": steps.done,
        "retrieval": judged["retrieval"],
        "ranking": judged["ranking"],
        "batch": {"queries": batch["queries"], "seconds": round(batch["seconds"], 1)},
        "artefacts": {name: os.path.relpath(path, ROOT) for name, path in artefacts.items()},
    }
    Path(artefacts["summary"]).write_text(json.dumps(summary, indent=1), encoding="utf-8")
    return summary


def show_household(steps: Steps) -> None:
    """Show one household's batch answer beside its purchases, then its answer from the online store."""
    beside = Beside(ROOT / REPO, datetime.fromisoformat(AT).replace(tzinfo=timezone.utc))
    household = beside.median_household()
    print(f"\nA household, by the median number of purchases (examples/beside.py --household {household})\n")
    beside.show(household, _screen())
    print(f"\nThe same household asked online, where the store holds the state of {END[:10]}:", flush=True)
    steps.run("recommend", [*TFRS_MTL, "recommend", str(household), "--at", END])


def show_results(judged: Mapping[str, Any]) -> None:
    """Print the metrics that matter most; `tfrs-mtl evaluate` prints all, with their intervals."""
    screen = _screen()
    for protocol, title in (("all", "all purchases"), ("new", "products new to the household")):
        shown = ("recall@50", "ndcg@10", "hit_rate@10", "coverage@50")
        screen.print(
            _table(f"Retrieval in November and December: {title}", judged["retrieval"][protocol], shown)
        )
    for task, contenders in judged["ranking"].items():
        shown = ("rmse", "mae") if "rmse" in contenders["ours"] else ("auc", "gauc", "log_loss", "ece")
        screen.print(_table(f"Ranking: {task}", contenders, shown))
    print("All metrics with their intervals:", os.path.relpath(judged["file"], ROOT), flush=True)


def _table(
    title: str, contenders: Mapping[str, Mapping[str, float | None]], metrics: tuple[str, ...]
) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("contender", no_wrap=True)
    for metric in metrics:
        table.add_column(metric, justify="right")
    for name, values in contenders.items():
        cells = (values.get(metric) for metric in metrics)
        table.add_row(name, *("" if cell is None else f"{cell:.4f}" for cell in cells))
    return table


def _screen() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else 120)


if __name__ == "__main__":
    sys.exit(main())
