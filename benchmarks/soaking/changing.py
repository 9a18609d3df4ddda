"""What the recommender itself is told to do meanwhile: swap bundles, read items anew, record events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event as Signal
from threading import Thread

import numpy as np

from benchmarks.soaking.figures import Figures
from serving import Event, Recommender
from tfrs_mtl.project import Project
from tfrs_mtl.store import TIMESTAMP

PAUSE = 0.2
DRAWN = 1_000
A_CALL = 5


def swapping(recommender: Recommender, bundles: Sequence[str], figures: Figures) -> Callable[[], None]:
    """Return what swaps to the next of the bundles and reads its items anew."""

    def swap() -> None:
        recommender.swap(bundles[(figures.done["swaps"] + 1) % len(bundles)])
        figures.done["swaps"] += 1
        recommender.refresh()
        figures.done["refreshes"] += 1

    return swap


def recording(recommender: Recommender, project: Project, figures: Figures) -> Callable[[], None]:
    """Return what records a few interactions of the past as if they happened now."""
    view = project.schema.events
    query, item = project.schema.query.key.name, project.schema.item.key.name
    rows = project.repo.rows(view, [*view.keys, *view.columns])
    rng = np.random.default_rng(0)
    drawn = rows.take(np.sort(rng.choice(len(rows), min(DRAWN, len(rows)), replace=False))).to_pylist()

    def record() -> None:
        events = []
        for place in rng.choice(len(drawn), A_CALL).tolist():
            values = {name: value for name, value in drawn[place].items() if value is not None}
            keys = values.pop(query), values.pop(item)
            values.pop(TIMESTAMP)
            events.append(Event(*keys, values=values))
        figures.recorded.update(recommender.record(events))

    return record


@contextmanager
def repeating(work: Callable[[], None], figures: Figures) -> Iterator[None]:
    """Do some work again and again beside; what fails is told, and tried again."""
    stop = Signal()

    def run() -> None:
        while not stop.wait(PAUSE):
            try:
                work()
            except Exception as error:
                figures.troubles[f"{work.__name__}: {error}"[:200]] += 1

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
