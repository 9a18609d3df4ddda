"""What several commands share: opening the project, moments, output."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from tfrs_mtl.cli.main import Settings
from tfrs_mtl.project import Project, open_project

_PIPE_WIDTH = 120

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
seed_option = click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Default: the spec's own seed.")


class Moment(click.ParamType):  # type: ignore[type-arg] # generic in the newest click alone
    """An ISO date or time, in UTC where it has no zone."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Parse ``2024-05-01`` or ``2024-05-01T12:00:00Z``."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            self.fail(f"{value!r} is no moment; write 2024-05-01 or 2024-05-01T12:00:00Z", param, ctx)
        return (
            moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
        )


def opened(settings: Settings) -> Project:
    """Open the project that the shared options name."""
    return open_project(settings.path, spec=settings.spec, artefacts=settings.artefacts)


def console() -> Console:
    """Return where people read: standard error, so that standard output stays for results."""
    return Console(file=sys.stderr)


def show(table: Table) -> None:
    """Print a table to standard output, 120 characters wide where no terminal says otherwise."""
    screen = Console(highlight=False)
    if not screen.is_terminal:
        screen.width = _PIPE_WIDTH
    screen.print(table)


def now() -> datetime:
    """Return the present moment; commands pass it on, the library never asks."""
    return datetime.now(timezone.utc)


def print_json(content: Any) -> None:
    """Print one JSON object in one line."""
    click.echo(json.dumps(content, default=str))
