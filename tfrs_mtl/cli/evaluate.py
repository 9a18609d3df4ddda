"""`tfrs-mtl evaluate`: a bundle on the test window, beside what it has to beat."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.bundle.contents import open_contents
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.cli.options import console, json_option, opened, print_json, seed_option
from tfrs_mtl.evaluation import point_values, ranking_table, retrieval_table, with_intervals
from tfrs_mtl.training.comparison import evaluate


@click.command("evaluate")
@click.option("--bundle", default="current", show_default=True, help="Id of the bundle.")
@click.option("--peers/--no-peers", default=True, help="Train vanilla TFRS and one model a task beside it.")
@seed_option
@json_option
@click.pass_obj
def command(settings: Settings, bundle: str, peers: bool, seed: int | None, as_json: bool) -> None:
    """Judge a bundle on the test window: retrieval and ranking, with bootstrap intervals."""
    project = opened(settings)
    chosen = BundleStore(project.bundles).open(bundle)
    contents = open_contents(chosen, project.schema)
    found = evaluate(
        project,
        contents.models,
        seed=chosen.manifest.seed if seed is None else seed,
        peers=peers,
        progress=console(),
    )
    file = project.artefacts / "evaluation" / f"{chosen.id}.json"
    intervals = {"retrieval": with_intervals(found.retrieval), "ranking": with_intervals(found.ranking)}
    _write(file, {"bundle": chosen.id, **intervals})
    if as_json:
        points = {"retrieval": point_values(found.retrieval), "ranking": point_values(found.ranking)}
        print_json({"bundle": chosen.id, "file": str(file), **points})
        return
    screen = Console()
    for protocol, title in (("all", "all of the test window"), ("new", "new to the query")):
        screen.print(retrieval_table(found.retrieval[protocol], title=f"Retrieval, {title}"))
    screen.print(ranking_table(found.ranking, title="Ranking"))
    click.echo(f"written to {file}")


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1))
    os.replace(partial, file)
