"""`tfrs-mtl evaluate`: a bundle on the test window, beside what it has to beat."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.table import Table

from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.bundle.contents import open_contents
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.cli.options import console, json_option, opened, print_json, seed_option, show
from tfrs_mtl.evaluation import Interval, point_values, ranking_table, retrieval_table, with_intervals
from tfrs_mtl.training.comparison import Evaluation, evaluate


@click.command("evaluate")
@click.option("--bundle", default="current", show_default=True, help="Id of the bundle.")
@click.option("--peers/--no-peers", default=True, help="Train vanilla TFRS and one model a task beside it.")
@click.option("--intervals", is_flag=True, help="Show each value's bootstrap interval in the tables.")
@seed_option
@json_option
@click.pass_obj
def command(
    settings: Settings, bundle: str, peers: bool, intervals: bool, seed: int | None, as_json: bool
) -> None:
    """Judge a bundle on the test window: retrieval and ranking, beside what it has to beat.

    All values go to a file with their bootstrap intervals (95 %); the tables show the values.
    """
    live = opened(settings)
    chosen = BundleStore(live.bundles).open(bundle)
    project, contents = open_contents(chosen, live)
    found = evaluate(
        project,
        contents.models,
        seed=chosen.manifest.seed if seed is None else seed,
        peers=peers,
        progress=console(),
    )
    file = project.artefacts / "evaluation" / f"{chosen.id}.json"
    whole = {"retrieval": with_intervals(found.retrieval), "ranking": with_intervals(found.ranking)}
    bins = {
        task: {name: own.to_json() for name, own in contenders.items()}
        for task, contenders in found.reliability.items()
    }
    _write(file, {"bundle": chosen.id, **whole, "reliability": bins})
    if as_json:
        points = {"retrieval": point_values(found.retrieval), "ranking": point_values(found.ranking)}
        print_json({"bundle": chosen.id, "file": str(file), **points})
        return
    for table in _tables(found, intervals=intervals):
        show(table)
    click.echo(f"written to {file}")


def _tables(found: Evaluation, *, intervals: bool) -> list[Table]:
    retrieval = [
        retrieval_table(_shown(found.retrieval[protocol], intervals), title=f"Retrieval, {title}")
        for protocol, title in (("all", "all of the test window"), ("new", "new to the query"))
    ]
    ranking = {task: _shown(contenders, intervals) for task, contenders in found.ranking.items()}
    tables = [*retrieval, ranking_table(ranking, title="Ranking")]
    for table in tables:
        table.box, table.title_justify, table.title_style = box.SIMPLE_HEAD, "left", "bold"
        table.padding = (0, 1, 0, 0)
        for column in table.columns:
            column.no_wrap = column.justify == "left"  # the names of tasks and metrics
    return tables


def _shown(
    contenders: Mapping[str, Mapping[str, Interval]], intervals: bool
) -> dict[str, dict[str, Interval | float]]:
    """Return the values as a table shows them; a contender's name may break into several lines."""
    return {
        name.replace("_", " "): {m: v if intervals else v.value for m, v in metrics.items()}
        for name, metrics in contenders.items()
    }


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1))
    os.replace(partial, file)
