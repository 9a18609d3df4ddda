"""`tfrs-mtl check`: everything that is wrong, or what the shop looks like."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tfrs_mtl.check import Findings, TaskFacts, check_project
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.cli.options import json_option, print_json
from tfrs_mtl.errors import Problem
from tfrs_mtl.schema import Schema, Side

_WIDE = 200
"""Characters a line where no terminal says how many: nothing is cut."""


@click.command("check")
@json_option
@click.pass_obj
def command(settings: Settings, as_json: bool) -> None:
    """Find everything that is wrong with a recommender.yaml, its registry and its data.

    Exits with 0 when nothing but hints was found, with 2 otherwise.
    """
    findings = check_project(settings.path, spec=settings.spec)
    if as_json:
        problems = [{"where": p.where, "what": p.what, "severity": p.severity} for p in findings.problems]
        print_json({"ok": findings.is_fine, "problems": problems})
    else:
        _print(findings)
    sys.exit(0 if findings.is_fine else 2)


def _print(findings: Findings) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDE
    for place, problems in _by_place(findings.problems).items():
        console.print(f"[bold]{escape(place)}[/bold]")
        for problem in problems:
            colour = "red" if problem.severity == "error" else "yellow"
            key = problem.where.removeprefix(place).removeprefix(": ")
            text = f"{key}: {problem.what}" if key else problem.what
            console.print(f"  [{colour}]{problem.severity}[/{colour}] {escape(text)}")
    errors = sum(problem.severity == "error" for problem in findings.problems)
    hints = len(findings.problems) - errors
    if errors == 0 and findings.schema is not None:
        _print_shop(console, findings.schema, findings)
    counted = [f"{n} {word}{'s' * (n > 1)}" for n, word in ((errors, "error"), (hints, "hint")) if n]
    console.print(", ".join(counted) if counted else "Nothing is wrong.")


def _by_place(problems: tuple[Problem, ...]) -> dict[str, list[Problem]]:
    places: dict[str, list[Problem]] = {}
    for problem in problems:
        places.setdefault(problem.where.partition(": ")[0], []).append(problem)
    return places


def _print_shop(console: Console, schema: Schema, findings: Findings) -> None:
    console.print(f"[bold]{escape(schema.spec.name)}[/bold]")
    for role, side in (("query", schema.query), ("item", schema.item)):
        console.print(f"  {role}: {escape(side.entity)}, by {escape(side.key.name)} ({side.key.dtype.text})")
        for kind, names in _by_kind(side).items():
            console.print(f"    {kind}: {escape(', '.join(names))}")
    for pair in schema.pairs:
        looked_up = ", ".join(feature.column for feature in pair.features)
        console.print(f"  query with {escape(pair.attribute.split('__')[-1])}: {escape(looked_up)}")
    if schema.context:
        console.print(f"  context: {escape(', '.join(f.column for f in schema.context))}")
    if findings.windows:
        console.print(_tasks(findings))


def _by_kind(side: Side) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for feature in side.features:
        kinds.setdefault(feature.kind, []).append(feature.column)
    return kinds


def _tasks(findings: Findings) -> Table:
    """Return a table of the known labels of each task in each window, and how many of them are positive."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
    table.add_column("  task", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    for window in findings.windows:
        table.add_column(f"{window.name}: {window.rows:,} rows", no_wrap=True)
    for task in findings.windows[0].tasks:
        cells = (next(t for t in window.tasks if t.name == task.name) for window in findings.windows)
        table.add_row(f"  {task.name}", task.kind, *map(_cell, cells))
    return table


def _cell(facts: TaskFacts) -> str:
    if facts.labels == 0:
        return "no label"
    if facts.kind == "binary":
        return f"{facts.labels:,}, {facts.positives / facts.labels:.1%} positive"
    return f"{facts.labels:,}, mean {facts.mean:.3g}"
