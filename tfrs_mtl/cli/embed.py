"""`tfrs-mtl embed`: the towers' vectors as features for other models of the shop."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from tfrs_mtl.batch.embeddings import Tower, embed
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.bundle.contents import open_contents
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.cli.options import Moment, json_option, now, opened, print_json
from tfrs_mtl.dataset.shop import open_shop

_FILE = click.Path(path_type=Path, dir_okay=False)
_IMPORTS = """\
from feast import FeatureView, Field, FileSource
from feast.types import Array, Float32, String
"""


@click.command("embed")
@click.option(
    "--query", type=_FILE, help="Parquet file of the queries. Default: in artefacts/, by its entity."
)
@click.option("--item", type=_FILE, help="Parquet file of the items. Default: in artefacts/, by its entity.")
@click.option("--at", type=Moment(), help="As of when. Default: the present of the data.")
@click.option("--bundle", default="current", show_default=True, help="Id of the bundle.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    query: Path | None,
    item: Path | None,
    at: datetime | None,
    bundle: str,
    as_json: bool,
) -> None:
    """Write the vectors of all queries and items to parquet, a snapshot a run, for Feast to serve.

    The output is what declares them as feature views: put it into the repo's definitions, then `feast apply`
    and `feast materialize` as ever.
    """
    live = opened(settings)
    chosen = BundleStore(live.bundles).open(bundle)
    project, contents = open_contents(chosen, live)
    shop, spec = open_shop(project.repo, project.schema), project.spec
    moment = at or shop.present(now())
    files: dict[Tower, Path] = {
        "query": query or project.artefacts / f"{spec.query.entity}_embeddings.parquet",
        "item": item or project.artefacts / f"{spec.item.entity}_embeddings.parquet",
    }
    if files["query"].resolve() == files["item"].resolve():
        raise click.UsageError(f"{files['item']}: queries and items need a file each; name them otherwise")
    written = {
        side: embed(shop, contents.models, side, file, bundle=chosen.id, at=moment, now=now())
        for side, file in files.items()
    }
    if as_json:
        facts = {
            side: {"view": each.view, "rows": each.rows, "dim": each.dim, "path": str(each.path)}
            for side, each in written.items()
        }
        print_json({**facts, "bundle": chosen.id, "at": moment.isoformat()})
        return
    for each in written.values():
        click.echo(
            f"# {each.path}: {each.rows:,} vectors of {each.dim} numbers, as of {moment:%Y-%m-%d %H:%M}"
        )
    click.echo("\n".join([_IMPORTS, *(each.definition for each in written.values())]))
