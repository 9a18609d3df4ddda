"""`tfrs-mtl train`: both models, as a bundle."""

from __future__ import annotations

from pathlib import Path

import click

from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.cli.options import console, json_option, now, opened, print_json, seed_option
from tfrs_mtl.training.run import train
from tfrs_mtl.training.tensorboard import write_events


@click.command("train")
@seed_option
@click.option("--promote/--no-promote", default=True, help="Make the new bundle the current one (default).")
@click.option(
    "--tensorboard",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write both histories here too, as event files for TensorBoard.",
)
@json_option
@click.pass_obj
def command(
    settings: Settings, seed: int | None, promote: bool, tensorboard: Path | None, as_json: bool
) -> None:
    """Train retrieval and ranking, stopped by the validation window, and write them as a bundle.

    A training that was killed goes on from its last whole epoch.
    """
    project = opened(settings)
    chosen = project.spec.seed if seed is None else seed
    report = train(project, seed=chosen, now=now(), progress=console())
    if tensorboard is not None:
        for model, history in (("retrieval", report.retrieval), ("ranking", report.ranking)):
            write_events(tensorboard / report.bundle.id / model, history)
    if promote:
        BundleStore(project.bundles).promote(report.bundle.id)
    if as_json:
        histories = {"retrieval": report.retrieval.to_json(), "ranking": report.ranking.to_json()}
        print_json({"bundle": report.bundle.id, "path": str(report.bundle.directory), **histories})
    else:
        state = ", now current" if promote else ""
        click.echo(f"bundle {report.bundle.id} in {report.bundle.directory}{state}")
