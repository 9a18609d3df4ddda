"""`tfrs-mtl batch-score`: recommendations for everyone, to parquet or to a database."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import click
import numpy as np

from tfrs_mtl.batch.queries import all_queries, read_queries
from tfrs_mtl.batch.run import BatchJob
from tfrs_mtl.batch.sinks import open_sink
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.bundle.contents import open_contents
from tfrs_mtl.cli.main import Settings
from tfrs_mtl.cli.options import Moment, json_option, now, opened, print_json
from tfrs_mtl.dataset.interactions import microseconds
from tfrs_mtl.dataset.shop import open_shop
from tfrs_mtl.scoring import Scorer, read_snapshot, standing_for
from tfrs_mtl.training.run import popularity_of_late


@click.command("batch-score")
@click.option(
    "--to", "target", help="Parquet file or SQLAlchemy URL. Default: recommendations.parquet in artefacts/."
)
@click.option("--table", default="recommendations", show_default=True, help="The table, where --to is a URL.")
@click.option(
    "--queries", type=click.Path(path_type=Path), help="Parquet or text file of queries. Default: all."
)
@click.option("--at", type=Moment(), help="As of when. Default: the present of the data.")
@click.option("--k", type=click.IntRange(1), help="Items a query. Default: the spec's.")
@click.option(
    "--candidates", type=click.IntRange(1), help="Items retrieved before ranking. Default: the spec's."
)
@click.option("--run-id", help="A second run of the same id replaces the first. Default: bundle and moment.")
@click.option("--bundle", default="current", show_default=True, help="Id of the bundle.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    target: str | None,
    table: str,
    queries: Path | None,
    at: datetime | None,
    k: int | None,
    candidates: int | None,
    run_id: str | None,
    bundle: str,
    as_json: bool,
) -> None:
    """Recommend items to all queries: retrieved, ranked, the best k, with each task's prediction."""
    began = time.perf_counter()
    live = opened(settings)
    chosen = BundleStore(live.bundles).open(bundle)
    project, contents = open_contents(chosen, live)
    sink = open_sink(target or str(project.artefacts / "recommendations.parquet"), table=table)
    shop = open_shop(project.repo, project.schema)
    moment = at or shop.present(now())
    time_of = microseconds(moment)
    known = shop.items.keys.slice(0, shop.items.known(time_of))
    wanted = k or project.spec.batch.k
    scorer = Scorer(
        schema=project.schema,
        models=contents.models,
        items=read_snapshot(project.repo, project.schema, contents.models, known, at=time_of),
        candidates=max(candidates or project.spec.batch.candidates, wanted),
        k=wanted,
        weights=project.spec.weights,
        exposure=shop.exposure(time_of),
        standing=standing_for(contents.models, shop, time_of),
    )
    keys = read_queries(queries, project.schema) if queries else all_queries(shop, time_of)
    job = BatchJob(
        shop=shop,
        scorer=scorer,
        run_id=run_id or f"{chosen.id}@{moment:%Y%m%dT%H%M%SZ}",
        at=moment,
        created=now(),
        popular=np.argsort(-popularity_of_late(shop, at=time_of)[: len(known)], kind="stable"),
    )
    written = job.run(keys, sink)
    seconds = time.perf_counter() - began
    if as_json:
        facts = {"queries": len(keys), "rows": written.rows, "target": written.target, "seconds": seconds}
        print_json({**facts, "run_id": job.run_id, "bundle": chosen.id, "at": moment.isoformat()})
    else:
        click.echo(f"{len(keys):,} queries, {written.rows:,} rows to {written.target} in {seconds:.1f} s")
