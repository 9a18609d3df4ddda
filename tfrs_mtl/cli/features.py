"""`tfrs-mtl features`: build the declared behaviour views, or add what is new."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime

import click
from rich.progress import Progress

from tfrs_mtl.behaviour import BuildReport
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.cli.options import Moment, console, json_option, now, opened, print_json
from tfrs_mtl.features import build_features


@click.command("features")
@click.option(
    "--until", type=Moment(), help="Last snapshot at most. Default: the first after the last interaction."
)
@click.option("--rebuild", is_flag=True, help="Write all snapshots anew, late interactions counted.")
@json_option
@click.pass_obj
def command(settings: Settings, until: datetime | None, rebuild: bool, as_json: bool) -> None:
    """Build the behaviour views that recommender.yaml declares, or add the snapshots that are new."""
    project = opened(settings)
    reports = []
    with ExitStack() as stack:
        bar = stack.enter_context(Progress(console=console(), disable=not console().is_terminal))

        def progress_of(view: str):  # type: ignore[no-untyped-def]
            row = bar.add_task(view, total=None)
            return lambda done, total: bar.update(row, completed=done, total=total)

        for report in build_features(project, now=now(), until=until, rebuild=rebuild, progress=progress_of):
            reports.append(report)
            if not as_json:
                why = f" (rebuilt: {report.rebuilt})" if report.rebuilt else ""
                click.echo(
                    f"{report.view}: {report.rows:,} new rows{_span(report)}, {report.seconds:.1f} s{why}"
                )
    if as_json:
        print_json({r.view: {"rows": r.rows, "path": str(r.path), "seconds": r.seconds} for r in reports})
    elif not reports:
        click.echo("recommender.yaml declares no behaviour views")


def _span(report: BuildReport) -> str:
    if report.first is None:
        return ""
    return f", {report.first:%Y-%m-%d %H:%M} to {report.last:%Y-%m-%d %H:%M}"
