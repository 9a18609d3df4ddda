"""`tfrs-mtl recommend`: one query's answer, from the online store, for a person to read."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

import click
import pyarrow as pa
from rich import box
from rich.table import Table

from serving.answer import Answer, Value
from serving.recommender import Recommender
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.cli.options import Moment, json_option, now, print_json, show
from tfrs_mtl.errors import RequestError
from tfrs_mtl.store import arrow_type

_STALE = timedelta(days=7)


# A query may be a negative number: what looks like an option, and is none, is an argument.
@click.command("recommend", context_settings={"ignore_unknown_options": True})
@click.argument("query")
@click.option("--k", type=click.IntRange(1), help="How many items. Default: the spec's.")
@click.option(
    "--at", type=Moment(), help="The moment of the request, by which features expire. Default: now."
)
@click.option(
    "--context", multiple=True, metavar="NAME=VALUE", help="What the request knows; may be repeated."
)
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
    recommender = Recommender.load(
        settings.path, bundle=bundle, spec=settings.spec, artefacts=settings.artefacts
    )
    moment = at or now()
    given = dict(_pair(text, recommender) for text in context)
    answer = recommender.recommend(_key(query, recommender), k=k, at=moment, context=given)
    if as_json:
        print_json(asdict(answer))
    else:
        show(_table(answer))
    _warn_of_age(recommender.state.at, moment)


def _key(text: str, recommender: Recommender) -> int | str:
    if recommender.state.schema.query.key.dtype.base != "int":
        return text
    try:
        return int(text)
    except ValueError as error:
        key = recommender.state.schema.query.key
        raise RequestError(f"query: {key.name!r} is {key.dtype.text}; got {text!r}") from error


def _pair(text: str, recommender: Recommender) -> tuple[str, Value]:
    """Read NAME=VALUE, the value as the type that the registry gives the name."""
    name, sign, value = text.partition("=")
    if not sign:
        raise RequestError(f"--context: expected NAME=VALUE, got {text!r}")
    dtype = next((f.dtype for f in recommender.state.schema.context if f.column == name), None)
    if dtype is None:
        return name, value  # the recommender says which names there are
    try:
        return name, pa.scalar(value).cast(arrow_type(dtype)).as_py()
    except pa.ArrowInvalid as error:
        raise RequestError(f"--context {name}: expected {dtype.text}, got {value!r}") from error


def _table(answer: Answer) -> Table:
    reasons = ", ".join(answer.degraded).replace("_", " ")
    note = f" ({reasons})" if reasons else ""
    title = f"For {answer.query}{note}, by bundle {answer.versions.bundle}"
    table = Table(title=title, title_justify="left")
    table.box, table.title_style, table.padding = box.SIMPLE_HEAD, "bold", (0, 1, 0, 0)
    first = answer.items[0] if answer.items else None
    shown, tasks = (list(first.display), list(first.predictions)) if first else ([], [])
    for name in ("", "item", *shown, "score", *tasks):
        table.add_column(name.replace("_", "\n"), no_wrap=True, justify="left" if name in shown else "right")
    for rank, item in enumerate(answer.items, 1):
        texts = ["" if value is None else str(value) for value in item.display.values()]
        numbers = [f"{value:.3f}" for value in (item.score, *item.predictions.values())]
        table.add_row(str(rank), str(item.item), *texts, *numbers)
    for column in table.columns:
        if column.header not in shown:  # what is shown of an item may be cut, numbers and keys may not
            column.min_width = max((len(str(cell)) for cell in column.cells), default=0)
    return table


def _warn_of_age(snapshot: datetime, moment: datetime) -> None:
    """Say what to do where the request comes long after the data: features have expired by then."""
    if moment - snapshot > _STALE:
        click.echo(
            f"note: the bundle's items are as of {snapshot:%Y-%m-%d}, long before the request; features "
            f"may have expired, and count as unknown. Ask as of then by --at {snapshot:%Y-%m-%d}",
            err=True,
        )
