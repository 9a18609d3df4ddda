"""`tfrs-mtl init`: a recommender.yaml to start from."""

from __future__ import annotations

import click

from tfrs_mtl.check import check_project
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.errors import RequestError
from tfrs_mtl.proposal import Wishes, propose, to_text, write_text
from tfrs_mtl.spec import FILE_NAME
from tfrs_mtl.store import open_repo


@click.command("init")
@click.option("--view", help="Feature view of the interactions. Default: the one that joins two entities.")
@click.option("--query", help="The entity that asks.")
@click.option("--item", help="The entity that is recommended. With --query or --item, the other follows.")
@click.option("--label", "labels", multiple=True, help="Column of a task; the first says what to recommend.")
@click.option("--query-features", help="Feature service of the query. Default: the one of its views alone.")
@click.option("--item-features", help="Feature service of the item. Default: the one of its views alone.")
@click.option("--force", is_flag=True, help="Replace a recommender.yaml that exists.")
@click.pass_obj
def command(
    settings: Settings,
    view: str | None,
    query: str | None,
    item: str | None,
    labels: tuple[str, ...],
    query_features: str | None,
    item_features: str | None,
    force: bool,
) -> None:
    """Write a commented recommender.yaml for an applied registry and its interactions."""
    file = settings.spec or settings.path / FILE_NAME
    if file.exists() and not force:
        raise RequestError(f"{file} exists; --force replaces it")
    wishes = Wishes(view, query, item, labels, query_features, item_features)
    proposal = propose(open_repo(settings.path), wishes)
    write_text(file, to_text(proposal), replace=force)
    roles, first = proposal.roles, proposal.labels[0]
    click.echo(
        f"written to {file}: {roles.item.entity.name} for {roles.query.entity.name} by "
        f"{roles.events.name}.{first.column.name} ({first.text})"
    )
    for problem in check_project(settings.path, spec=file).problems:
        if problem.severity == "error":
            click.echo(f"still to mend: {problem}")
