"""What writes to the online store meanwhile, in a process of its own: `feast materialize`, and pushes."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from feast import FeatureStore

from benchmarks.soaking.figures import Figures
from tfrs_mtl.project import open_project
from tfrs_mtl.schema import Schema, View
from tfrs_mtl.store import TIMESTAMP, FeatureRepo

LONG_AGO = timedelta(days=2000)
PAUSE = 0.2
PUSHES = 5
ROWS = 20


@contextmanager
def writing(root: Path, at: datetime, figures: Figures) -> Iterator[None]:
    """Have another process write to the online store, from its first write on."""
    context = multiprocessing.get_context("spawn")
    going, stop, told = context.Event(), context.Event(), context.Queue()
    process = context.Process(target=write, args=(root, at, going, stop, told))
    process.start()
    while process.is_alive() and not going.wait(0.1):
        pass
    try:
        yield
    finally:
        stop.set()
        if process.is_alive():
            done, troubles = told.get()
            figures.done.update(done)
            figures.troubles.update(troubles)
        process.join()


def write(root: Path, at: datetime, going: Any, stop: Any, told: Any) -> None:
    """Materialise changed values and push rows, in turns, until told to stop."""
    store, schema = FeatureStore(repo_path=str(root)), open_project(root).schema
    repo, view = FeatureRepo(store, root), view_to_push(schema)
    rows = repo.rows(view, [*view.keys, *view.columns])
    done, troubles = Counter[str](), Counter[str]()

    def materialise() -> None:
        until = at - timedelta(days=10 * (done["materialisations"] % 2))
        store.materialize(until - LONG_AGO, until)

    def push() -> None:
        first = ROWS * done["pushes"] % max(len(rows) - ROWS, 1)
        if view.push is not None:
            repo.push(view, rows.slice(first, ROWS), now=at)
        else:  # what Feast does with what is pushed
            store.write_to_online_store(view.name, df=as_stored(view, rows.slice(first, ROWS)))

    while not stop.wait(PAUSE):
        for what, work in (("materialisations", materialise), *[("pushes", push)] * PUSHES):
            try:
                work()
                done[what] += 1
            except Exception as error:
                troubles[f"{what}: {error}"[:200]] += 1
        going.set()
    told.put((done, troubles))


def view_to_push(schema: Schema) -> View:
    """Return the first view that has a push source, or the first."""
    services = [side.service for side in (schema.query, schema.item) if side.service is not None]
    views = [selection.view for service in services for selection in service.selections]
    return next((view for view in views if view.push is not None), views[0])


def as_stored(view: View, rows: pa.Table) -> Any:
    """Return rows under the names of the view's source, as Feast takes them."""
    names = [TIMESTAMP if name == TIMESTAMP else view.source.raw(name) for name in rows.column_names]
    frame = rows.rename_columns(names).to_pandas().rename(columns={TIMESTAMP: view.source.timestamp})
    return frame.assign(**{view.source.created: frame[view.source.timestamp]} if view.source.created else {})
