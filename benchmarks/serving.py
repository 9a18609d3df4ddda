"""One request: ours, the plain way by Feast and eager models, and Feast's own fetch of 100 items, in turns.

The plain way asks `get_online_features` for the query, calls the tower and the product with all items
eagerly, adds what the query met before, asks for the features of these candidates with the query's
broadcast, turns both into dicts and frames, and calls the same ranking model eagerly. Ours reads the query,
retrieves and ranks as many. They take turns of ten requests, as a process that serves has its own work in
the caches.
The bundle must stand: run `make demo` first. What else the machine does slows all alike: mind the ratios.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import defaultdict
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
from serving.answering import arrange, rank, recommendations, with_pins  # noqa: E402
from serving.request import Reader, limits_of, read_request  # noqa: E402
from serving.sources import gather  # noqa: E402
from serving.state import State  # noqa: E402
from tfrs_mtl._tf import tf  # noqa: E402
from tfrs_mtl.dataset.frames import ITEM_ID, QUERY_ID, pair_frame, to_frame  # noqa: E402
from tfrs_mtl.dataset.interactions import microseconds  # noqa: E402
from tfrs_mtl.schema import Side  # noqa: E402
from tfrs_mtl.scoring import EncodedQueries, as_shares, expected_value, merged  # noqa: E402
from tfrs_mtl.scoring.own import own_items  # noqa: E402
from tfrs_mtl.scoring.ranked import best_of  # noqa: E402
from tfrs_mtl.store import arrow_type  # noqa: E402

CLIENTS = (1, 2, 4, 8, 16, 32)
SHARES = (50, 90, 99)
WARM = 10
TURN = 10
FIRST_ANSWER = """
import json, sys, time
spent = {"start Python": time.time() - float(sys.argv[1])}
def lap(name, began=[time.perf_counter()]):
    now = time.perf_counter()
    spent[name], began[0] = now - began[0], now
import serving
lap("import serving")
from serving import Recommender
lap("import TensorFlow, Feast and the rest")
from pathlib import Path
recommender = Recommender.load(Path(sys.argv[2]))
lap("open the repo, load and verify the bundle")
key = json.loads(sys.argv[3])
for name in ("first answer", "second answer"):
    recommender.recommend(key, at=recommender.state.at)
    lap(name)
print(json.dumps(spent), flush=True)
"""


@dataclass(frozen=True)
class Bench:
    """What all contenders share: one recommender, one store, one moment, and each query's candidates."""

    recommender: Recommender
    store: FeatureStore
    services: tuple[Any, Any]
    candidates: dict[Any, NDArray[np.int32]]
    vectors: Any

    @property
    def state(self) -> State:
        return self.recommender.state

    def ours(self, query: Any) -> None:
        self.recommender.recommend(query, at=self.state.at)

    def plain(self, query: Any) -> list[Any]:
        return self.ranked_plainly(query, self.retrieved_plainly(query))

    def retrieved_plainly(self, query: Any) -> NDArray[np.int32]:
        """The towers' best and what the query met before, from the query's features online."""
        scorer, side = self.state.scorer, self.state.schema.query
        asked = self.fetch_side(self.services[0], side, [query]).to_dict()
        times = np.array([microseconds(self.state.at)])
        frame = to_frame(QUERY_ID, pa.array([query]), table(side, asked), times)
        vector = scorer.models.retrieval.query_tower(
            {name: tf.constant(a) for name, a in scorer.models.preprocessor.encode("query", frame).items()}
        )
        best = tf.math.top_k(tf.matmul(vector, self.vectors, transpose_b=True), scorer.candidates)
        own = own_items(self.state.schema, frame, scorer.items.lookup)
        rows = merged([best.indices.numpy().astype(np.int32), own], self.state.size)[0]
        return rows[rows >= 0]

    def ranked_plainly(self, query: Any, rows: NDArray[np.int32]) -> list[Any]:
        scorer = self.state.scorer
        schema, models = scorer.schema, scorer.models
        keys = scorer.items.keys.take(pa.array(rows)).to_pylist()
        asked, offered = (response.to_dict() for response in self.fetch(query, keys))
        times = np.full(len(keys), microseconds(self.state.at))
        queries = to_frame(QUERY_ID, pa.array([query] * len(keys)), table(schema.query, asked), times)
        items = to_frame(ITEM_ID, pa.array(keys), table(schema.item, offered), times)
        each = np.arange(len(keys), dtype=np.int64)
        pairs = pair_frame(schema, queries, items, query_rows=each, item_rows=each, times=times, context={})
        encode = models.preprocessor.encode
        features = {**encode("query", queries), **encode("item", items), **encode("pair", pairs)}
        predicted = {name: values.numpy() for name, values in models.ranking(features).items()}
        tasks = schema.spec.ranking.tasks
        if scorer.exposure is not None:
            predicted = as_shares(tasks, predicted, scorer.exposure[rows], models.shares)
        best = best_of(rows[None], expected_value(tasks, predicted, scorer.weights), predicted, scorer.k)
        return list(scorer.items.keys.take(pa.array(best.rows[0])).to_pylist())

    def feast_fetch_100(self, query: Any) -> None:
        self.fetch(query, self.hundred(query))

    def feast_fetch_100_without_query(self, query: Any) -> None:
        self.fetch_side(self.services[1], self.state.schema.item, self.hundred(query))

    def hundred(self, query: Any) -> list[Any]:
        keys = self.state.items.keys
        rows = np.random.default_rng(abs(hash(query)) % 2**32).choice(len(keys), 100)
        return list(keys.take(pa.array(rows)).to_pylist())

    def fetch(self, query: Any, keys: list[Any]) -> tuple[Any, Any]:
        schema = self.state.schema
        asked = self.fetch_side(self.services[0], schema.query, [query] * len(keys))
        return asked, self.fetch_side(self.services[1], schema.item, keys)

    def fetch_side(self, service: Any, side: Side, keys: list[Any]) -> Any:
        return self.store.get_online_features(
            features=service, entity_rows={side.key.name: keys}, full_feature_names=True
        )

    def encoded(self, query: Any) -> EncodedQueries:
        side, at = self.state.schema.query, self.state.at
        features = self.state.project.repo.online(side, [query], at=at)
        key = pa.array([query], arrow_type(side.key.dtype))
        frame = to_frame(QUERY_ID, key, features, np.array([microseconds(at)]))
        return self.state.scorer.encode(frame)


def table(side: Side, values: dict[str, list[Any]]) -> pa.Table:
    return pa.table({f.name: pa.array(values[f.name], arrow_type(f.dtype)) for f in side.fetched})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shop", type=Path, default=ROOT / "feature_repo")
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--plain", type=int, default=200, help="requests of them asked the plain way too")
    given = parser.parse_args()
    if not (given.shop / "artefacts" / "bundles").is_dir():
        sys.exit(f"{given.shop} holds no bundle: run `make demo` first")
    recommender = Recommender.load(given.shop)
    queries = known_queries(recommender.state, given.requests)
    bench = opened(recommender, queries)
    found = {name: percentiles(spent) for name, spent in in_turns(bench, queries, given.plain).items()}
    size = np.median([len(rows) for rows in bench.candidates.values()])
    print(f"{bench.state.size:,} items, {size:.0f} candidates a request (median)")
    print(f"{len(queries)} requests, {given.plain} of them the plain way too\n")
    for name, figures in found.items():
        print(f"{name:32}" + "".join(f"{key:>8} {value:9.2f}" for key, value in figures.items()))
    print(f"\nthe same candidates ranked both ways: {agreement(bench, queries[:20]):.0%} in one order\n")
    print_stages(bench, queries)
    loads = {str(clients): load(bench, queries, clients) for clients in CLIENTS}
    for clients, figures in loads.items():
        print(f"{clients:>3} clients: {figures['per_s']:8.1f} a second, p99 {figures['p99_ms']:8.1f} ms")
    print_start(given.shop, queries[0])
    ratios = {f"ratio_p{p}": found["plain"][f"p{p}_ms"] / found["ours"][f"p{p}_ms"] for p in (50, 99)}
    print(json.dumps({**found, **{n: round(v, 1) for n, v in ratios.items()}, "load": loads}))


def known_queries(state: State, size: int) -> list[Any]:
    """Draw queries that the retrieval model knows, so that none falls back to what is popular."""
    (ids,) = (e for e in state.scorer.models.preprocessor.query if e.feature == QUERY_ID)
    values = np.array(ids.vocabulary.values)
    return list(np.random.default_rng(0).choice(values, size, replace=size > len(values)).tolist())


def opened(recommender: Recommender, queries: list[Any]) -> Bench:
    # The same store for all: two in one process evict each other's registry cache, at 10 ms a call.
    store, state = recommender.state.project.repo._store, recommender.state
    asked, offered = (
        store.get_feature_service(side.service.name)
        for side in (state.schema.query, state.schema.item)
        if side.service is not None
    )
    items = state.scorer.items
    vectors = tf.constant(state.scorer.models.retrieval.encode_items(items.arrays))
    bench = Bench(recommender, store, (asked, offered), {}, vectors)
    for query in queries:
        rows = state.scorer.find(bench.encoded(query), state.scorer.candidates)[0]
        bench.candidates[query] = rows[rows >= 0]
    return bench


def in_turns(bench: Bench, queries: list[Any], plain: int) -> dict[str, list[float]]:
    """Let the contenders take turns, so that what else the machine does slows all alike."""
    contenders: tuple[Callable[[Any], Any], ...] = (
        bench.ours,
        bench.feast_fetch_100,
        bench.feast_fetch_100_without_query,
        bench.plain,
    )
    spent: dict[str, list[float]] = defaultdict(list)
    turns = [queries[start : start + TURN] for start in range(0, len(queries), TURN)]
    every = max(len(turns) * TURN // max(plain, 1), 1)
    for query in queries[:WARM]:
        for contender in contenders:
            contender(query)
    for number, turn in enumerate(turns):
        for contender in contenders if number % every == 0 else contenders[:-1]:
            for query in turn:
                began = time.perf_counter()
                contender(query)
                spent[contender.__name__].append((time.perf_counter() - began) * 1e3)
    return spent


def percentiles(values: list[float]) -> dict[str, float]:
    return {f"p{share}_ms": round(float(np.percentile(values, share)), 2) for share in SHARES}


def agreement(bench: Bench, queries: list[Any]) -> float:
    """Say how often both, given the same candidates, rank the same items in the same order."""
    scorer, same = bench.state.scorer, 0
    for query in queries:
        rows = scorer.rank(bench.encoded(query), bench.candidates[query][None]).rows[0]
        same += scorer.items.keys.take(pa.array(rows)).to_pylist() == bench.ranked_plainly(
            query, bench.candidates[query]
        )
    return same / len(queries)


def print_stages(bench: Bench, queries: list[Any]) -> None:
    """Print where the milliseconds go: requests walked through stage by stage, and the stages' own parts."""
    spent: dict[str, list[float]] = defaultdict(list)
    reader = Reader(1)
    for query in queries:
        walk(bench.state, reader, query, spent)
    reader.close()
    whole = float(np.median(spent["whole"]))
    for name, values in spent.items():
        print(f"{name:48}{np.median(values):8.2f} ms {np.median(values) / whole:6.0%}")
    stages = sum(float(np.median(v)) for name, v in spent.items() if name[0] != " " and name != "whole")
    print(f"{'sum of the stages':48}{stages:8.2f} ms {stages / whole:6.0%}\n")


def walk(state: State, reader: Reader, query: Any, spent: dict[str, list[float]]) -> None:
    """Answer one request as the pipeline does, and add what each stage took."""

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = work()
        spent[name].append((time.perf_counter() - began) * 1e3)
        return result

    scorer, began = state.scorer, time.perf_counter()
    request = timed("check the request", lambda: read_request(state, (query,), {}, at=state.at))
    asked = timed("read the query's features", lambda: reader.read(state, request))
    limits = timed("filters and excludes", lambda: limits_of(state, request, asked))
    queries = timed("encode the query", lambda: scorer.encode(asked.queries))
    candidates = timed(
        "retrieve: tower, search, own items",
        lambda: gather(state, queries, asked.known, request.k, limits),
    )
    candidates = timed("pins", lambda: with_pins(state, request.rules, queries, candidates, limits))
    ranked = timed(
        "rank and fuse: pairs, model, order", lambda: rank(state, request, queries, candidates, request.k)
    )
    arranged = timed("rules, diversity", lambda: arrange(state, request, ranked, limits, request.k))
    timed("keys, display, sources", lambda: recommendations(state, request, asked, candidates, arranged))
    spent["whole"].append((time.perf_counter() - began) * 1e3)
    side = state.schema.query
    timed("  of the read: Feast and decoding", lambda: state.project.repo.online(side, [query], at=state.at))
    vectors = timed(
        "  of retrieve: the tower", lambda: scorer.models.retrieval.encode_queries(queries.arrays)
    )
    timed("  of retrieve: the search", lambda: scorer.items.index.search(vectors, scorer.candidates))
    items = candidates.rows[candidates.rows >= 0].astype(np.int64)
    times, who = np.full(len(items), microseconds(state.at)), np.zeros(len(items), np.int64)
    pairs = timed(
        "  of rank: look the pairs up",
        lambda: pair_frame(
            state.schema,
            queries.frame,
            scorer.items.frame,
            query_rows=who,
            item_rows=items,
            times=times,
            context={},
        ),
    )
    encoded = timed("  of rank: encode them", lambda: scorer.models.preprocessor.encode("pair", pairs))
    inference = scorer.models.inference
    held = scorer.items.encoded(inference)
    timed(
        "  of rank: the model",
        lambda: inference.predict(queries.arrays, held, encoded, query_rows=who, item_rows=items),
    )


def load(bench: Bench, queries: list[Any], clients: int) -> dict[str, float]:
    """Ask from so many threads at once."""

    def once(query: Any) -> float:
        began = time.perf_counter()
        bench.ours(query)
        return (time.perf_counter() - began) * 1e3

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(once, queries[: 2 * clients]))
        began = time.perf_counter()
        spent = list(pool.map(once, queries))
        seconds = time.perf_counter() - began
    return {"per_s": round(len(queries) / seconds, 1), "p99_ms": round(float(np.percentile(spent, 99)), 2)}


def print_start(shop: Path, query: Any) -> None:
    """Print how long a process takes to its first answer, and where it goes."""
    command = [sys.executable, "-c", FIRST_ANSWER, str(time.time()), str(shop), json.dumps(query)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    spent = json.loads(done.stdout.splitlines()[-1])
    first = sum(seconds for name, seconds in spent.items() if name != "second answer")
    print(f"\nfrom the start of a process to its first answer: {first:.1f} s")
    for name, seconds in spent.items():
        print(f"  {name:46}{seconds * 1e3:10.1f} ms")
    print()


if __name__ == "__main__":
    main()
