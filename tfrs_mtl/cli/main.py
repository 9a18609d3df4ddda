"""`tfrs-mtl`: the group of commands, its shared options, and what an error looks like to a shell."""

from __future__ import annotations

import importlib
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tfrs_mtl import __version__
from tfrs_mtl.errors import TfrsMtlError, UserError

COMMANDS = {
    "init": "Write a recommender.yaml to start from.",
    "check": "Find everything that is wrong with a recommender.yaml, its registry and its data.",
    "features": "Build the declared behaviour features, or add what is new.",
    "train": "Train both models and write them as a bundle.",
    "tune": "Search better settings on the validation window.",
    "evaluate": "Judge a bundle on the test window, beside what it has to beat.",
    "report": "Write a page with all that can be said of a bundle.",
    "batch-score": "Recommend items to all queries, or to a file of them.",
    "embed": "Write the towers' vectors as features for other models.",
    "recommend": "Recommend items to one query, from the online store.",
    "skew": "Compare what the online and the offline path feed the models.",
    "serve": "Answer over HTTP.",
    "bundles": "List, promote and roll back bundles.",
}


@dataclass(frozen=True)
class Settings:
    """The options that every command shares: which repo, which spec, where artefacts go."""

    path: Path
    spec: Path | None
    artefacts: Path | None


class _Lazy(click.Group):
    """Imports a command's module when it is asked for: `--help` must not wait for TensorFlow and Feast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"tfrs_mtl.cli.{name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; the user's mistake exits with 2, what failed under us with 1."""
        try:
            return super().invoke(ctx)
        except TfrsMtlError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(2 if isinstance(error, UserError) else 1)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tfrs-mtl")
@click.option(
    "-c",
    "--chdir",
    "path",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The feature repo: the directory of feature_store.yaml. Default: the current one.",
)
@click.option(
    "--spec",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Another recommender.yaml than the repo's.",
)
@click.option(
    "--artefacts",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where bundles, checkpoints and results go. Default: artefacts/ in the repo.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show what the libraries beneath have to say.")
@click.pass_context
def main(ctx: click.Context, path: Path, spec: Path | None, artefacts: Path | None, verbose: bool) -> None:
    """Recommendations from a Feast feature store: retrieval and multi-task ranking."""
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, format="%(name)s: %(message)s")
    ctx.obj = Settings(path, spec, artefacts)
