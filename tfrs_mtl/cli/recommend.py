"""`tfrs-mtl recommend`: one query's answer, from the online store, for a person to read."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click
from rich.console import Console
from rich.table import Table

from serving.answer import Answer
from serving.recommender import Recommender
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.cli.options import Moment, json_option, print_json
from tfrs_mtl.errors import RequestError


# A query may be a negative number: what looks like an option, and is none, is an argument.
@click.command("recommend", context_settings={"ignore_unknown_options": True})
@click.argument("query")
@click.option("--k", type=click.IntRange(1), help="How many items. Default: the spec's.")
@click.option("--at", type=Moment(), help="The moment of the request, by which features expire. Default: now.")
@click.option("--context", multiple=True, metavar="NAME=VALUE", help="What the request knows; may be repeated.")
@click.option("--bundle", default="current", show_default=True, help="Id of the bundle.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    query: str,
    k: int | None,
    at: datetime | None,
    context: tuple[str, ...],
    bundle: str,
    as_json: bool,
) -> None:
    """Recommend items to QUERY (its join key), with what is shown of them and each task's prediction."""
    recommender = Recommender.load(settings.path, bundle=bundle, artefacts=settings.artefacts)
    given = dict(_pair(text) for text in context)
    answer = recommender.recommend(_key(query, recommender), k=k, at=at, context=given)
    if as_json:
        print_json(asdict(answer))
    else:
        Console().print(_table(answer))


def _key(text: str, recommender: Recommender) -> int | str:
    if recommender.project.schema.query.key.dtype.base != "int":
        return text
    try:
        return int(text)
    except ValueError as error:
        key = recommender.project.schema.query.key
        raise RequestError(f"query: {key.name!r} is {key.dtype.text}; got {text!r}") from error


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise RequestError(f"--context: expected NAME=VALUE, got {text!r}")
    return name, value


def _table(answer: Answer) -> Table:
    note = f" ({answer.degraded.replace('_', ' ')})" if answer.degraded else ""
    table = Table(title=f"For {answer.query}{note}, by bundle {answer.bundle}")
    table.add_column("")
    table.add_column("item")
    first = answer.items[0] if answer.items else None
    for name in first.display if first else ():
        table.add_column(name)
    for name in ("score", *(first.predictions if first else ())):
        table.add_column(name, justify="right")
    for rank, item in enumerate(answer.items, 1):
        shown = ["" if value is None else str(value) for value in item.display.values()]
        numbers = [f"{value:.3f}" for value in (item.score, *item.predictions.values())]
        table.add_row(str(rank), str(item.item), *shown, *numbers)
    return table
