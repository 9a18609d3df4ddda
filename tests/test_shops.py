"""The test shops: they build, Feast takes them, and their planted signal is there to be found."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore

from tests.shops import SHOPS, TRUTHS, bazaar, cinema
from tests.shops.files import micros
from tests.shops.tastes import Floats, Truth
from tfrs_mtl.schema import Schema, resolve
from tfrs_mtl.spec import load_spec
from tfrs_mtl.store import open_repo

_MODULES = {"bazaar": bazaar, "cinema": cinema}
_EVENTS = {
    "bazaar": ("orders", "session_id", "sku", "at"),
    "cinema": ("impressions", "member id", "film_no", "shown_at"),
}
_APPLY = "import sys; from feast.cli.cli import cli; cli(['-c', sys.argv[1], 'apply'])"

every_shop = pytest.mark.parametrize("name", sorted(SHOPS))


def _apply(repo: Path, cwd: Path) -> str:
    """Run `feast apply` in a process of its own, as a user does."""
    done = subprocess.run([sys.executable, "-c", _APPLY, str(repo)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    repos: dict[str, Path] = {}

    def once(name: str) -> Path:
        if name not in repos:
            repos[name] = SHOPS[name](tmp_path_factory.mktemp(name) / "repo")
            _apply(repos[name], Path("/"))
        return repos[name]

    return once


def _events(name: str, root: Path) -> tuple[pa.Table, list[object], list[object], pa.ChunkedArray]:
    file, query, item, time = _EVENTS[name]
    table = pq.read_table(SHOPS[name](root) / "data" / f"{file}.parquet")
    return table, table[query].to_pylist(), table[item].to_pylist(), table[time]


def _auc(score: Floats, label: np.ndarray) -> float:
    ranks = np.argsort(np.argsort(score)) + 1.0
    positives = label.sum()
    return float((ranks[label].sum() - positives * (positives + 1) / 2) / (positives * (~label).sum()))


@every_shop
def test_the_same_seed_builds_the_same_shop_and_another_seed_another(name: str, tmp_path: Path) -> None:
    file = _EVENTS[name][0]
    built = [SHOPS[name](tmp_path / str(n), seed=seed) for n, seed in enumerate((0, 0, 1))]
    first, again, other = (pq.read_table(repo / "data" / f"{file}.parquet") for repo in built)
    assert first.equals(again)
    assert not first.equals(other)


@every_shop
def test_feast_applies_it_from_anywhere_and_finds_nothing_to_do_the_second_time(
    name: str, applied: Callable[[str], Path], tmp_path: Path
) -> None:
    assert "No changes to registry" in _apply(applied(name), tmp_path)


@every_shop
def test_its_contract_resolves_against_its_registry(name: str, applied: Callable[[str], Path]) -> None:
    schema = _schema(applied(name))
    bases = (schema.query.key.dtype.base, schema.item.key.dtype.base)
    assert bases == {"bazaar": ("int", "string"), "cinema": ("string", "int")}[name]
    assert (schema.query.service is None) == (name == "bazaar")


def _schema(repo: Path) -> Schema:
    return resolve(load_spec(repo), open_repo(repo).catalogue, file="recommender.yaml")


@every_shop
def test_queries_and_items_appear_that_training_never_saw(name: str, tmp_path: Path) -> None:
    _, queries, items, times = _events(name, tmp_path)
    late = np.array(times.to_pylist()) >= _MODULES[name].TEST
    for keys in (queries, items):
        seen = {key for key, after in zip(keys, late, strict=True) if not after}
        unseen = {key for key, after in zip(keys, late, strict=True) if after} - seen
        assert len(unseen) >= 5


@every_shop
def test_who_knows_the_truth_finds_far_more_than_popularity_does(name: str, tmp_path: Path) -> None:
    table, queries, items, times = _events(name, tmp_path)
    happened = (
        np.array(table["clicked"].to_pylist()) > 0 if name == "cinema" else np.ones(len(table), dtype=bool)
    )
    late = np.array(times.to_pylist()) >= _MODULES[name].TEST
    popular = _most_common([item for item, use in zip(items, happened & ~late, strict=True) if use], 20)
    wanted: dict[str | int, set[object]] = {}
    for query, item, use in zip(queries, items, happened & late, strict=True):
        if use:
            wanted.setdefault(query, set()).add(item)  # type: ignore[arg-type]
    truth = TRUTHS[name]()
    task = {"cinema": "click", "bazaar": "order"}[name]
    by_truth = np.mean(
        [len(found & set(truth.best(task, q, 20))) / len(found) for q, found in wanted.items()]
    )
    by_popularity = np.mean([len(found & popular) / len(found) for found in wanted.values()])
    assert by_truth > 2 * by_popularity


def _most_common(items: list[object], size: int) -> set[object]:
    counts: dict[object, int] = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return set(sorted(counts, key=lambda item: -counts[item])[:size])


@pytest.mark.parametrize(
    ("name", "task", "column", "given"),
    [
        ("cinema", "click", "clicked", None),
        ("cinema", "cart", "cart", "clicked"),
        ("cinema", "order", "order", "cart"),
        ("bazaar", "gift", "gift", None),
        ("bazaar", "keep", "kept", None),
    ],
)
def test_each_binary_task_can_be_learnt(
    name: str, task: str, column: str, given: str | None, tmp_path: Path
) -> None:
    table, queries, items, _ = _events(name, tmp_path)
    known = [n for n, value in enumerate(table[column].to_pylist()) if value is not None]
    rows = [n for n in known if given is None or table[given][n].as_py()]
    label = np.array([bool(table[column][n].as_py()) for n in rows])
    truth: Truth = TRUTHS[name]()
    score = truth.chances(task, [queries[n] for n in rows], [items[n] for n in rows])
    assert _auc(score, label) > 0.7
    # The chances are chances: their mean is what happens.
    assert score.mean() == pytest.approx(label.mean(), abs=0.03)


def test_the_cinema_logs_slates_of_one_moment_and_a_chain_of_outcomes(tmp_path: Path) -> None:
    table, queries, _, times = _events("cinema", tmp_path)
    assert len(set(zip(queries, times.to_pylist(), strict=True))) == len(table) // cinema.world.SLATE
    click, cart, order = (np.array(table[c].to_pylist()) > 0 for c in ("clicked", "cart", "order"))
    assert not (cart & ~click).any()
    assert not (order & ~cart).any()
    assert 0 < order.sum() < cart.sum() < click.sum() < len(table)
    assert (np.array([value is not None for value in table["revenue"].to_pylist()]) == order).all()


def test_the_bazaar_logs_orders_alone_and_knows_late_what_is_kept(tmp_path: Path) -> None:
    table, *_, times = _events("bazaar", tmp_path)
    assert set(table["ordered"].to_pylist()) == {1}
    young = np.array(times.to_pylist()) > bazaar.END - timedelta(days=14)
    assert (np.array([value is None for value in table["kept"].to_pylist()]) == young).all()


def test_film_prices_are_the_corrected_ones_and_expire(applied: Callable[[str], Path]) -> None:
    drawn, moment = cinema.world.simulate(0), datetime(2024, 4, 1, tzinfo=timezone.utc)
    frame = pd.DataFrame({"film_no": drawn.truth.item_keys, "event_timestamp": moment})
    store = FeatureStore(str(applied("cinema")))
    found = store.get_historical_features(entity_df=frame, features=["film_status:price"]).to_arrow()
    prices = dict(zip(found["film_no"].to_pylist(), found["price"].to_pylist(), strict=True))
    assert len(prices) == cinema.world.FILMS
    for position, (key, out) in enumerate(zip(drawn.truth.item_keys, drawn.truth.items_since, strict=True)):
        is_kept_up = position % 7 != 0 and out <= micros(moment)
        assert prices[int(key)] == (pytest.approx(drawn.price[position]) if is_kept_up else None)
