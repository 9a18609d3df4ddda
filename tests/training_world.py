"""Small trainings for test_training.py; as a program, one that can be told to die by SIGKILL."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from tfrs_mtl import spec
from tfrs_mtl.dataset.examples import Block, Examples, ModelInput, ages_of
from tfrs_mtl.ranking.model import RankingModel
from tfrs_mtl.retrieval.model import ITEM_CODE, LOG_PROBABILITY, QUERY_CODE, RetrievalModel
from tfrs_mtl.training.fit import fit

ROWS, ITEMS = 3000, 500
SETTINGS = spec.Training(epochs=5, batch_size=50, patience=5, learning_rate=0.003)
QUERY_INPUTS = (
    ModelInput("user", "category", 52, "user", 8),
    ModelInput("past", "history", ITEMS, "item", 8),
)
ITEM_INPUTS = (ModelInput("item", "category", ITEMS, "item", 8),)


def examples(rows: int = ROWS) -> Examples:
    """Rows for either model: an item is bought if it and the user are both even or both odd."""
    rng = np.random.default_rng(0)
    user, item = rng.integers(2, 52, rows), rng.integers(2, ITEMS, rows)
    pairs = {
        "user": user.astype(np.int32),
        "past": rng.integers(0, ITEMS, (rows, 10)).astype(np.int32),
        ages_of("past"): rng.uniform(0, 90, (rows, 10)).astype(np.float32),
        "item": item.astype(np.int32),
        QUERY_CODE: user,
        ITEM_CODE: item,
        LOG_PROBABILITY: np.full(rows, -np.log(ITEMS), np.float32),
    }
    return Examples((Block(pairs),), rows, {"buy": ((user + item) % 2).astype(np.float32)})


def retrieval_model() -> RetrievalModel:
    """Return an unbuilt model with noise in training."""
    settings = spec.Retrieval(dim=8, hidden=(16,), item_dropout=0.3)
    return RetrievalModel(QUERY_INPUTS, ITEM_INPUTS, settings, item_id="item")


def ranking_model(**options: Any) -> RankingModel:
    """Return an unbuilt model with noise in training."""
    task = spec.Task(name="buy", kind="binary", label="bought")
    ranking = spec.Ranking(tasks=(task,), hidden=(16,), dropout=0.3, **options)
    return RankingModel(QUERY_INPUTS + ITEM_INPUTS, ranking)


def _die_after(epoch: int, directory: Path) -> None:
    while not (directory / f"epoch-{epoch}.index").exists() or not (directory / "state.json").exists():
        time.sleep(0.002)
    time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    where, death = Path(sys.argv[1]), int(sys.argv[2])
    if death:
        threading.Thread(target=_die_after, args=(death, where), daemon=True).start()
    trained = retrieval_model()
    fit(trained, examples(), settings=SETTINGS, seed=7, validate=lambda: 0.0, directory=where)
    np.savez(where / "weights.npz", *[weight.numpy() for weight in trained.weights])
