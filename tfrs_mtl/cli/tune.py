"""`tfrs-mtl tune`: better settings, searched for on the validation window."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from tfrs_mtl.cli.main import Settings
from tfrs_mtl.cli.options import console, json_option, opened, print_json, seed_option, show
from tfrs_mtl.tuning import Trial, read_space, tune
from tfrs_mtl.tuning.space import FILE_NAME
from tfrs_mtl.tuning.study import MODELS, Model


@click.command("tune")
@click.argument("model", type=click.Choice(MODELS))
@click.option(
    "--space",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"What may be tried. Default: {FILE_NAME} beside recommender.yaml.",
)
@click.option(
    "--trials",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How many in all, earlier ones counted.",
)
@seed_option
@json_option
@click.pass_obj
def command(
    settings: Settings, model: Model, space: Path | None, trials: int, seed: int | None, as_json: bool
) -> None:
    """Search settings of one model that are best on the validation window; killed, it goes on where it was.

    The space is a YAML file of keys of recommender.yaml, each with its choices or its range:

    \b
    ranking.architecture: [cgc, {name: stem, own_dim: 8}]
    ranking.tasks.spend.weight: {low: 0.03, high: 1.0, log: true}
    ranking.training.learning_rate: {low: 0.0005, high: 0.005, log: true}

    The first trial is the spec as it is. recommender.yaml is not touched: what to change in it is printed.
    """
    project = opened(settings)
    chosen = read_space(space or project.file.parent / FILE_NAME, project.spec)
    own = project.spec.seed if seed is None else seed
    found = tune(project, model, chosen, trials=trials, seed=own, progress=None if as_json else console())
    ordered = sorted(found, key=lambda trial: -(trial.metric if trial.metric is not None else -1e9))
    if as_json:
        print_json({"model": model, "trials": [_facts(trial) for trial in ordered]})
        return
    show(_table(ordered, list(chosen)))
    if ordered and ordered[0].metric is not None:
        click.echo(f"\nThe best, trial {ordered[0].number}, for {project.file.name}:")
        for key, value in ordered[0].values.items():
            click.echo(f"  {key}: {json.dumps(value)}")


def _facts(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "metric": trial.metric,
        "seconds": round(trial.seconds, 1),
        "values": dict(trial.values),
        "problem": trial.problem,
    }


def _table(trials: list[Trial], keys: list[str]) -> Table:
    table = Table("trial", "validation", "seconds", *(key.split(".", 1)[1] for key in keys))
    for trial in trials:
        metric = "failed" if trial.metric is None else f"{trial.metric:.5f}"
        values = [json.dumps(trial.values.get(key)) for key in keys]
        table.add_row(str(trial.number), metric, f"{trial.seconds:.1f}", *values)
    return table
