"""`tfrs-mtl report`: all that can be said of a bundle, as one page."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.bundle.contents import open_contents
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.cli.options import json_option, opened, print_json, seed_option
from tfrs_mtl.report.gather import gather
from tfrs_mtl.report.page import render


@click.command("report")
@click.option("--bundle", default="current", show_default=True, help="Id of the bundle.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Default: artefacts/reports/<bundle>.html."
)
@seed_option
@json_option
@click.pass_obj
def command(settings: Settings, bundle: str, out: Path | None, seed: int | None, as_json: bool) -> None:
    """Write one HTML page: metrics beside peers, curves, cohorts, importance, recommendations to read.

    The peers' figures are those that `tfrs-mtl evaluate` wrote for this bundle; without, there are none.
    """
    live = opened(settings)
    chosen = BundleStore(live.bundles).open(bundle)
    project, contents = open_contents(chosen, live)
    report = gather(
        project,
        chosen,
        contents.models,
        seed=chosen.manifest.seed if seed is None else seed,
        evaluated=project.artefacts / "evaluation" / f"{chosen.id}.json",
    )
    file = out or project.artefacts / "reports" / f"{chosen.id}.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(render(report), encoding="utf-8")
    os.replace(partial, file)
    if as_json:
        print_json({"bundle": chosen.id, "file": str(file)})
    else:
        click.echo(f"written to {file}")
