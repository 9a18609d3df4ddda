"""Many threads that ask, and count what they get."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Lock, Thread
from typing import Any

import numpy as np

from benchmarks.soaking.figures import Figures, rss
from benchmarks.soaking.judge import Judge
from serving import Recommender

SAMPLES = 40


def ask(
    recommender: Recommender,
    queries: Sequence[Any],
    judge: Judge,
    figures: Figures,
    *,
    requests: int,
    threads: int,
) -> None:
    """Ask so many times for queries drawn at random."""
    lock = Lock()

    def run(seed: int) -> None:
        for place in np.random.default_rng(seed).choice(len(queries), requests // threads).tolist():
            try:
                found = recommender.recommend(queries[place])
                failed, mixed, reasons = not found.items, judge.is_mixed(found), found.degraded
            except Exception as error:
                failed, mixed, reasons = True, False, ()
                figures.troubles[f"{type(error).__name__}: {error}"[:200]] += 1
            with lock:
                figures.requests += 1
                figures.failed += failed
                figures.mixed += mixed
                figures.degraded.update(reasons)
                if figures.requests % max(1, requests // SAMPLES) == 0:
                    figures.memory.samples.append((figures.requests, rss()))

    began = time.perf_counter()
    asking = [Thread(target=run, args=(seed,)) for seed in range(threads)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    figures.per_s = round(figures.requests / (time.perf_counter() - began), 1)
