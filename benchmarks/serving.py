"""One request: ours, the plain way by Feast and eager models, and Feast's own fetch of 100 items, in turns.

The plain way asks `get_online_features` for the same candidates with the query's features broadcast, turns
them into a dict and calls the same models eagerly. The bundle must stand: run `make demo` first.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from feast import FeatureStore
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # else this file is what `import serving` finds

from serving import Recommender  # noqa: E402
from tfrs_mtl.dataset.frames import ITEM_ID, QUERY_ID, Frame, pair_frame, to_frame  # noqa: E402
from tfrs_mtl.dataset.interactions import microseconds  # noqa: E402
from tfrs_mtl.schema import Side  # noqa: E402
from tfrs_mtl.scoring import as_shares, expected_value  # noqa: E402
from tfrs_mtl.scoring.ranked import best_of  # noqa: E402
from tfrs_mtl.store import arrow_type  # noqa: E402

CLIENTS = (1, 2, 4, 8, 16, 32)
SHARES = (50, 90, 99)


@dataclass(frozen=True)
class Bench:
    """What all contenders share: one recommender, one store, one moment."""

    recommender: Recommender
    store: FeatureStore
    services: list[Any]

    @property
    def at(self) -> int:
        return microseconds(self.recommender.state.at)

    def ours(self, query: int | str) -> list[int | str]:
        answer = self.recommender.recommend(query, at=self.recommender.state.at)
        return [item.item for item in answer.items]

    def query_frame(self, query: int | str) -> Frame:
        state = self.recommender.state
        side = state.schema.query
        features = state.project.repo.online(side, [query], at=state.at)
        key = pa.array([query], arrow_type(side.key.dtype))
        return to_frame(QUERY_ID, key, features, np.array([self.at]))

    def candidates(self, query: int | str) -> NDArray[np.int32]:
        scorer = self.recommender.state.scorer
        found = scorer.find(self.query_frame(query), scorer.candidates)
        return np.asarray(found[found >= 0], np.int32)

    def fetch(self, query: int | str, keys: list[Any]) -> Any:
        schema = self.recommender.state.schema
        entities = {schema.query.key.name: [query] * len(keys), schema.item.key.name: keys}
        response: list[Any] = []
        for service, side in zip(self.services, (schema.query, schema.item), strict=True):
            rows = {side.key.name: entities[side.key.name]}
            response.append(
                self.store.get_online_features(features=service, entity_rows=rows, full_feature_names=True)
            )
        return response

    def plain(self, query: int | str) -> list[int | str]:
        scorer = self.recommender.state.scorer
        schema, models = scorer.schema, scorer.models
        rows = self.candidates(query)
        keys = scorer.items.keys.take(pa.array(rows)).to_pylist()
        values = [response.to_dict() for response in self.fetch(query, keys)]
        times = np.full(len(keys), self.at)
        queries = to_frame(QUERY_ID, pa.array([query] * len(keys)), table(schema.query, values[0]), times)
        items = to_frame(ITEM_ID, pa.array(keys), table(schema.item, values[1]), times)
        each = np.arange(len(keys), dtype=np.int64)
        pairs = pair_frame(schema, queries, items, query_rows=each, item_rows=each, times=times, context={})
        encode = models.preprocessor.encode
        features = {**encode("query", queries), **encode("item", items), **encode("pair", pairs)}
        found = {name: values.numpy() for name, values in models.ranking(features).items()}
        tasks = schema.spec.ranking.tasks
        if scorer.exposure is not None:
            found = as_shares(tasks, found, scorer.exposure[rows])
        best = best_of(rows[None], expected_value(tasks, found, scorer.weights), found, scorer.k)
        return list(scorer.items.keys.take(pa.array(best.rows[0])).to_pylist())

    def feast_fetch_100(self, query: int | str) -> None:
        items = self.recommender.state.scorer.items.keys
        rng = np.random.default_rng(abs(hash(query)) % 2**32)
        self.fetch(query, items.take(pa.array(rng.choice(len(items), 100))).to_pylist())


def table(side: Side, values: dict[str, list[Any]]) -> pa.Table:
    return pa.table({f.name: pa.array(values[f.name], arrow_type(f.dtype)) for f in side.fetched})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shop", type=Path, default=ROOT / "feature_repo")
    parser.add_argument("--requests", type=int, default=200)
    given = parser.parse_args()
    if not (given.shop / "artefacts" / "bundles").is_dir():
        sys.exit(f"{given.shop} holds no bundle: run `make demo` first")
    bench = opened(given.shop)
    known = queries_of(bench, given.requests)
    contenders: dict[str, Callable[[Any], Any]] = {
        "ours": bench.ours,
        "plain": bench.plain,
        "feast_fetch_100": bench.feast_fetch_100,
    }
    spent = in_turns(contenders, known)
    agreement = np.mean([bench.ours(query) == bench.plain(query) for query in known[:20]])
    found = {name: percentiles(values) for name, values in spent.items()}
    for name, figures in found.items():
        print(f"{name:16}" + "".join(f"{key:>8} {value:9.2f}" for key, value in figures.items()))
    print(f"same items in the same order: {agreement:.0%} of 20 requests")
    stages(bench, known)
    loads = {str(clients): load(bench, known, clients) for clients in CLIENTS}
    for clients, figures in loads.items():
        print(f"{clients:>3} clients: {figures['per_s']:8.1f} a second, p99 {figures['p99_ms']:8.1f} ms")
    ratios = {f"ratio_p{p}": found["plain"][f"p{p}_ms"] / found["ours"][f"p{p}_ms"] for p in (50, 99)}
    print(json.dumps({**found, **{n: round(v, 1) for n, v in ratios.items()}, "load": loads}))


def opened(shop: Path) -> Bench:
    recommender = Recommender.load(shop)
    # The same store for all: two in one process evict each other's registry cache, at 10 ms a call.
    store = recommender.state.project.repo._store
    schema = recommender.state.schema
    named = [side.service.name for side in (schema.query, schema.item) if side.service is not None]
    return Bench(recommender, store, [store.get_feature_service(name) for name in named])


def queries_of(bench: Bench, size: int) -> list[Any]:
    """Draw queries that the retrieval model knows, so that none falls back to what is popular."""
    (ids,) = (e for e in bench.recommender.state.scorer.models.preprocessor.query if e.feature == QUERY_ID)
    values = np.array(ids.vocabulary.values)
    return list(np.random.default_rng(0).choice(values, size).tolist())


def in_turns(contenders: dict[str, Callable[[Any], Any]], queries: list[Any]) -> dict[str, list[float]]:
    """Let the contenders take turns, so that what else the machine does slows all alike."""
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    for number, query in enumerate([*queries[:5], *queries]):
        for name, contender in contenders.items():
            began = time.perf_counter()
            contender(query)
            if number >= 5:
                spent[name].append((time.perf_counter() - began) * 1e3)
    return spent


def percentiles(values: list[float]) -> dict[str, float]:
    return {f"p{share}_ms": round(float(np.percentile(values, share)), 2) for share in SHARES}


def stages(bench: Bench, queries: list[Any]) -> None:
    """Print where the milliseconds go: each stage by itself, on the same queries."""
    scorer = bench.recommender.state.scorer
    frames = {query: bench.query_frame(query) for query in queries}
    found = {query: scorer.find(frame, scorer.candidates) for query, frame in frames.items()}
    parts: dict[str, Callable[[Any], Any]] = {
        "read and decode": bench.query_frame,
        "encode the query": lambda query: scorer.models.preprocessor.encode("query", frames[query]),
        "encode, tower, search": lambda query: scorer.retrieve(frames[query], scorer.candidates),
        "rank and weigh": lambda query: scorer.rank(frames[query], found[query]),
        "whole": bench.ours,
    }
    for name, values in in_turns(parts, queries).items():
        print(f"{name:24}{np.percentile(values, 50):8.2f} ms")


def load(bench: Bench, queries: list[Any], clients: int) -> dict[str, float]:
    """Ask from so many threads at once."""

    def once(query: Any) -> float:
        began = time.perf_counter()
        bench.ours(query)
        return (time.perf_counter() - began) * 1e3

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        spent = list(pool.map(once, queries))
    seconds = time.perf_counter() - began
    return {"per_s": round(len(queries) / seconds, 1), "p99_ms": round(float(np.percentile(spent, 99)), 2)}


if __name__ == "__main__":
    main()
