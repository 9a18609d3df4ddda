"""Point-in-time features of a million rows from three views: ours, Feast's duckdb store, the bare ASOF join.

Each contender runs in a process of its own, so that its peak memory is its own, and they take turns, so that
what else the machine does slows all alike. What ours and Feast's answer is compared whole: every row, every
column, exactly. The seconds are those on the clock; beside them stand the processor's.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS, ENTITIES, VERSIONS, FEATURES = 1_000_000, 100_000, 10, 20
DAYS = 100
ROUNDS = 5
TTLS = (None, timedelta(days=365), timedelta(days=60))
"""As a shop sets them: most rows have a value. The last one expires a few in a thousand."""
START = datetime(2024, 1, 1, tzinfo=timezone.utc)
MOMENT = pa.timestamp("us", tz="UTC")
CONTENDERS = ("ours", "feast", "floor")
ROW = "row"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--contender", choices=CONTENDERS, help="be one contender, at work in --directory")
    parser.add_argument("--directory", type=Path)
    given = parser.parse_args()
    if given.contender:
        take_turns(given.contender, given.directory)
    else:
        compare(given.rows, given.rounds)


def compare(rows: int, rounds: int) -> None:
    """Write the data, let the contenders take turns, compare what they answer, print."""
    with tempfile.TemporaryDirectory(prefix="training_set") as temporary:
        directory = Path(temporary)
        write_repo(directory, rows)
        found = run(directory, rounds)
        equal = is_equal(directory)
    print(f"{rows:,} rows x {len(TTLS)} views of {ENTITIES * VERSIONS:,} rows, {FEATURES} features each")
    print_table(found)
    seconds = {name: median(figures["seconds"]) for name, figures in found.items()}
    print(json.dumps(summary(seconds, found["ours"]["peak_mib"], equal=equal, rows=rows)))


def print_table(found: dict[str, dict[str, Any]]) -> None:
    heads = ("median s", "best s", "worst s", "processor s", "peak MiB")
    print(" " * 6 + "".join(f"{head:>13}" for head in heads))
    for name, figures in found.items():
        seconds = figures["seconds"]
        values = (median(seconds), min(seconds), max(seconds), median(figures["processor"]))
        print(f"{name:6}" + "".join(f"{value:13.2f}" for value in values) + f"{figures['peak_mib']:13.0f}")


def summary(seconds: dict[str, float], peak_mib: float, *, equal: bool, rows: int) -> dict[str, object]:
    return {
        **{f"{name}_s": round(value, 3) for name, value in seconds.items()},
        "ratio": round(seconds["feast"] / seconds["ours"], 2),
        "equal": equal,
        "peak_mib": round(peak_mib),
        "rows": rows,
        "views": len(TTLS),
    }


def run(directory: Path, rounds: int) -> dict[str, dict[str, Any]]:
    """Start every contender, give each its turn so many times, and return their figures."""
    command = [sys.executable, __file__, "--directory", str(directory), "--contender"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    started = {name: subprocess.Popen([*command, name], **pipes) for name in CONTENDERS}
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for number in range(rounds):
        for name, process in started.items():
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr)
            process.stdin.write("go\n")
            turns[name].append(json.loads(process.stdout.readline()))
    for name, process in started.items():
        process.communicate()
        if process.returncode:
            raise SystemExit(f"{name} ended with status {process.returncode}")
    return {
        name: {
            "seconds": [turn["seconds"] for turn in told],
            "processor": [turn["processor"] for turn in told],
            "peak_mib": max(turn["peak_mib"] for turn in told),
        }
        for name, told in turns.items()
    }


def take_turns(name: str, directory: Path) -> None:
    """Run once for each line of the input; tell time and the process's peak; keep the last answer."""
    once: Callable[[], pa.Table] = {"ours": ours, "feast": feasts, "floor": floor}[name](directory)
    table = None
    for _ in sys.stdin:
        del table
        began, worked = time.perf_counter(), time.process_time()
        table = once()
        turn = {"seconds": time.perf_counter() - began, "processor": time.process_time() - worked}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**turn, "peak_mib": peak}), flush=True)
    if name != "floor":
        pq.write_table(table, directory / f"{name}.parquet")


def ours(directory: Path) -> Callable[[], pa.Table]:
    from tfrs_mtl.dataset.asof import features_by_asof
    from tfrs_mtl.schema import Feature, Side
    from tfrs_mtl.store import open_repo

    catalogue = open_repo(directory).catalogue
    service = catalogue.services["everything"]
    features = tuple(
        Feature(f"{s.name}__{c.name}", s.name, c.name, c.dtype, "ignore")
        for s in service.selections
        for c in s.columns
    )
    side = Side("entity", service.selections[0].view.keys[0], service, features, features)
    rows = pq.read_table(directory / "rows.parquet").drop_columns([ROW])
    return lambda: features_by_asof(side, rows)


def feasts(directory: Path) -> Callable[[], pa.Table]:
    import warnings

    from feast import FeatureStore

    # ibis 12 calls duckdb's old name for to_arrow_table().
    warnings.filterwarnings("ignore", r"fetch_arrow_table\(\) is deprecated", DeprecationWarning)
    store = FeatureStore(str(directory))
    service = store.get_feature_service("everything")
    rows = pq.read_table(directory / "rows.parquet").to_pandas()
    return lambda: store.get_historical_features(
        entity_df=rows, features=service, full_feature_names=True
    ).to_arrow()


def floor(directory: Path) -> Callable[[], pa.Table]:
    """DuckDB's ASOF join and nothing else: no TTL, no ties, no order of the rows."""
    import duckdb

    connection = duckdb.connect()
    # Else it takes the Arrow rows for few and plans a nested loop, which takes minutes.
    connection.execute("SET TimeZone = 'UTC'; SET asof_loop_join_threshold = 0")
    connection.register("asked", pq.read_table(directory / "rows.parquet"))

    def join() -> pa.Table:
        for number in range(len(TTLS)):
            file = directory / f"view{number}.parquet"
            table = connection.execute(
                f"SELECT v.* EXCLUDE (entity_id, event_timestamp) FROM asked a "
                f"ASOF LEFT JOIN read_parquet('{file}') v "
                "ON a.entity_id = v.entity_id AND a.event_timestamp >= v.event_timestamp"
            ).to_arrow_table()
        return table

    return join


def is_equal(directory: Path) -> bool:
    """Whether ours and Feast's answer are the same in every row and column."""
    mine = pq.read_table(directory / "ours.parquet")
    theirs = pq.read_table(directory / "feast.parquet").sort_by(ROW).select(mine.column_names)
    return len(mine.column_names) == len(TTLS) * FEATURES and bool(mine.equals(theirs))


def write_repo(directory: Path, rows: int) -> None:
    """Write rows, views and an applied feature repo."""
    from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
    from feast.types import Bool, Float32, Int64, String

    types = (Float32, Float32, Int64, String, Bool)
    entity = Entity(name="entity", join_keys=["entity_id"], value_type=ValueType.INT64)
    views = []
    for number, ttl in enumerate(TTLS):
        file = directory / f"view{number}.parquet"
        pq.write_table(view_rows(np.random.default_rng(number)), file)
        views.append(
            FeatureView(
                name=f"view{number}",
                entities=[entity],
                ttl=ttl,
                schema=[Field(name=f"f{n}", dtype=types[n % len(types)]) for n in range(FEATURES)],
                source=FileSource(name=f"source{number}", path=str(file), timestamp_field="event_timestamp"),
                online=False,
            )
        )
    pq.write_table(asked_rows(np.random.default_rng(99), rows), directory / "rows.parquet")
    (directory / "feature_store.yaml").write_text(
        "project: bench\nprovider: local\nregistry: registry.db\n"
        "offline_store: {type: duckdb}\nonline_store: {type: sqlite, path: online.db}\n"
        "entity_key_serialization_version: 3\n"
    )
    store = FeatureStore(str(directory))
    store.apply([entity, *views, FeatureService(name="everything", features=views)])


def view_rows(random: np.random.Generator) -> pa.Table:
    """Ten versions of each entity at random moments, in order of time; a value in twenty is null."""
    size = ENTITIES * VERSIONS
    keys = random.permutation(np.repeat(np.arange(ENTITIES, dtype=np.int64), VERSIONS))
    columns = {"entity_id": pa.array(keys), "event_timestamp": moments(np.sort(drawn_times(random, size)))}
    words = pa.array([f"value {n}" for n in range(1000)])
    for number in range(FEATURES):
        missing = random.random(size) < 0.05
        values = (
            lambda: pa.array(random.random(size, dtype=np.float32), mask=missing),  # noqa: B023
            lambda: pa.array(random.standard_normal(size, dtype=np.float32), mask=missing),  # noqa: B023
            lambda: pa.array(random.integers(0, 2**62, size), mask=missing),  # noqa: B023
            lambda: words.take(pa.array(random.integers(0, 1000, size), mask=missing)),  # noqa: B023
            lambda: pa.array(random.random(size) < 0.5, mask=missing),  # noqa: B023
        )
        columns[f"f{number}"] = values[number % len(values)]()
    return pa.table(columns)


def asked_rows(random: np.random.Generator, rows: int) -> pa.Table:
    return pa.table(
        {
            "entity_id": random.integers(0, ENTITIES, rows),
            "event_timestamp": moments(drawn_times(random, rows)),
            ROW: np.arange(rows),
        }
    )


def drawn_times(random: np.random.Generator, size: int) -> np.ndarray:
    """Whole milliseconds: a moment repeats now and then, an entity's never does."""
    return np.asarray(random.integers(0, DAYS * 86_400_000, size) * 1000)


def moments(times: np.ndarray) -> pa.Array:
    first = round(START.timestamp() * 1_000_000)
    return pa.array(times + first).cast(pa.timestamp("us")).cast(MOMENT)


if __name__ == "__main__":
    main()
