"""`tfrs-mtl skew`: whether a request feeds the models what training would have fed them."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from serving.log import read_log
from serving.skew import Difference, Report, replayed, sampled
from serving.state import load_state
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.cli.options import Moment, json_option, opened, print_json, show

_LONGEST = 60
"""Characters of a value that a table shows."""


@click.command("skew")
@click.option(
    "--rows", type=click.IntRange(1), default=1000, show_default=True, help="How many queries to draw."
)
@click.option(
    "--at",
    type=Moment(),
    help="As of when both paths are asked. Default: the latest materialisation. With --replay: answers "
    "before it.",
)
@click.option(
    "--replay", is_flag=True, help="Compare logged answers (serving.log) with the offline path instead."
)
@click.option("--bundle", default="current", show_default=True, help="Id of the bundle.")
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Which sample is drawn."
)
@json_option
@click.pass_obj
def command(
    settings: Settings, rows: int, at: datetime | None, replay: bool, bundle: str, seed: int, as_json: bool
) -> None:
    """Compare what the online and the offline path feed the models, for a sample of queries and items.

    Exits with 0 where every value is the same, with 1 where some differ.
    """
    state = load_state(opened(settings), bundle)
    if replay:
        log = read_log(state.project.log, end=at, bundle=state.bundle)
        report = replayed(state, log, rows=rows, seed=seed)
    else:
        report = sampled(state, rows=rows, seed=seed, at=at)
    if as_json:
        print_json(_content(report))
    else:
        _print(report)
    sys.exit(1 if report.differences else 0)


def _content(report: Report) -> dict[str, object]:
    content = {name: value for name, value in asdict(report).items() if name != "differences"}
    differences = [asdict(d) for d in report.differences]
    for difference in differences:
        del difference["where"]
    return {**content, "ok": not report.differences, "differences": differences}


def _print(report: Report) -> None:
    origin = "the online store" if report.items_from == "store" else "the bundle's snapshot"
    click.echo(
        f"{report.queries:,} queries as of {report.at:%Y-%m-%d %H:%M:%S}, {report.items:,} items of {origin} "
        f"as of {report.items_at:%Y-%m-%d %H:%M:%S}, {report.pairs:,} pairs, by bundle {report.bundle}"
    )
    if report.unlogged:
        click.echo(f"Not compared, as the log does not hold it: {', '.join(report.unlogged)}")
    if report.differences:
        show(_table(report.differences))
    else:
        click.echo("Both paths feed the models the same.")


def _table(differences: tuple[Difference, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("", "feature", "rows", "inputs", "cause", "example", "offline", "served"):
        table.add_column(name, justify="right" if name in ("rows", "inputs") else "left", overflow="fold")
    for found in differences:
        example = found.example
        causes = ", ".join(f"{cause} {rows:,}" for cause, rows in found.causes.items())
        keys = " x ".join(repr(key) for key in (example.query, example.item) if key is not None)
        values = [_short(example.offline), _short(example.served)]
        cells = [found.part, found.feature, f"{found.rows:,}", f"{found.inputs:,}", causes, keys, *values]
        table.add_row(*map(escape, cells))
    return table


def _short(value: object) -> str:
    text = "null" if value is None else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
