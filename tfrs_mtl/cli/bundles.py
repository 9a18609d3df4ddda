"""`tfrs-mtl bundles`: list, promote, roll back."""

from __future__ import annotations

import click
from rich import box
from rich.table import Table

from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.cli.options import json_option, print_json, show


def _store(settings: Settings) -> BundleStore:
    """Open the bundles without Feast: a roll-back must work when the registry does not."""
    return BundleStore((settings.artefacts or settings.path / "artefacts").resolve() / "bundles")


@click.group("bundles")
def command() -> None:
    """List, promote and roll back bundles."""


@command.command("list")
@json_option
@click.pass_obj
def list_bundles(settings: Settings, as_json: bool) -> None:
    """List all bundles, oldest first; damaged ones say what is wrong."""
    store = _store(settings)
    entries = store.list()
    if as_json:
        print_json([{"id": e.id, "current": e.is_current, "problem": e.problem} for e in entries])
        return
    if not entries:
        click.echo("no bundle yet; `tfrs-mtl train` writes one")
        return
    table = Table(
        "", "bundle", "name", "items as of", "seed", "state", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.columns[1].no_wrap = True
    for entry in entries:
        manifest = entry.manifest
        facts = (
            (manifest.name, f"{manifest.at:%Y-%m-%d %H:%M}", str(manifest.seed)) if manifest else ("", "", "")
        )
        state = (entry.problem or "good").removeprefix(f"{store.root / entry.id}/")
        table.add_row("*" if entry.is_current else "", entry.id, *facts, state)
    show(table)


@command.command("promote")
@click.argument("bundle")
@click.pass_obj
def promote(settings: Settings, bundle: str) -> None:
    """Verify BUNDLE and make it the current one."""
    click.echo(f"current: {_store(settings).promote(bundle).id}")


@command.command("rollback")
@click.pass_obj
def rollback(settings: Settings) -> None:
    """Make the bundle current that was so before."""
    click.echo(f"current: {_store(settings).roll_back().id}")
