"""What breaks under a running recommender: answers go on, say what they lack, and are whole again later."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
import yaml
from feast import FeatureStore

from serving import Recommender
from tests.e2e.built import Built
from tests.services import absent
from tests.serving.elsewhere import PRICE, elsewhere, execute
from tfrs_mtl.errors import StoreError

_WITHOUT = {"bazaar": (), "cinema": ("store_unavailable",)}
"""The bazaar reads nothing of a session."""


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def load(built: Built, root: Path) -> Recommender:
    return Recommender.load(root, artefacts=built.project.artefacts, clock=lambda: built.at)


def busiest(built: Built) -> Any:
    return built.shop.queries.keys[int(np.bincount(built.shop.query_codes).argmax())].as_py()


def prices(built: Built, recommender: Recommender) -> set[Any]:
    view, column, _ = PRICE[built.name]
    return set(recommender.state.items.frame.columns[f"{view}__{column}"].to_pylist())


def fails(work: Callable[[], object]) -> bool:
    try:
        work()
    except StoreError:
        return True
    return False


@pytest.fixture
def repo(built: Built, tmp_path: Path) -> Path:
    return elsewhere(built, tmp_path / "repo", emptied=False, refresh=None, deadline="5s")


def test_a_deleted_sqlite_file_is_read_on_and_the_one_in_its_place_takes_over(
    built: Built, repo: Path
) -> None:
    recommender, query = load(built, repo), busiest(built)
    file, other = repo / "data" / "online_store.db", repo / "other.db"
    recommender.refresh()
    before = prices(built, recommender)
    file.rename(other)
    assert recommender.recommend(query).degraded == ()
    recommender.refresh()
    assert prices(built, recommender) == before
    shutil.copyfile(other, file)
    view, column, value = PRICE[built.name]
    sql = f'UPDATE "{built.name}_{view}" SET value = ? WHERE feature_name = ?'
    execute(repo, sql, value.SerializeToString(), column)
    recommender.refresh()
    assert prices(built, recommender) <= {0.5, None}
    assert recommender.recommend(query).degraded == ()
    recommender.close()


def test_a_corrupt_sqlite_file_is_unavailable_until_it_is_mended(built: Built, repo: Path) -> None:
    recommender, query = load(built, repo), busiest(built)
    file = repo / "data" / "online_store.db"
    whole, answered = file.read_bytes(), recommender.recommend(query)
    file.write_bytes(os.urandom(len(whole)))
    broken = recommender.recommend(query)
    assert (broken.degraded, len(broken.items)) == (_WITHOUT[built.name], len(answered.items))
    assert fails(recommender.refresh)
    assert recommender.status().counts["refresh_failures"] == 1
    file.write_bytes(whole)
    assert within(20, lambda: not fails(recommender.refresh))
    assert within(20, lambda: recommender.recommend(query).degraded == ())
    assert [item.item for item in recommender.recommend(query).items] == [i.item for i in answered.items]
    recommender.close()


class Redis:
    """A server of the test's own, which keeps its data over a restart."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "3600 1"]
        self._process = subprocess.Popen([*command, "--dir", str(self._directory)], stdout=subprocess.DEVNULL)
        assert within(20, self._listens)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()  # it saves first
            self._process.wait(20)
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        absent("no command redis-server")
    server = Redis(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.mark.services
def test_a_redis_that_was_restarted_is_read_again(built: Built, tmp_path: Path, redis: Redis) -> None:
    repo = elsewhere(built, tmp_path / "repo", refresh=None, deadline="500ms")
    config = yaml.safe_load((repo / "feature_store.yaml").read_text())
    config["online_store"] = {"type": "redis", "connection_string": f"127.0.0.1:{redis.port}"}
    (repo / "feature_store.yaml").write_text(yaml.safe_dump(config))
    schema = built.project.schema
    views = {
        s.view.name for side in (schema.query, schema.item) if side.service for s in side.service.selections
    }
    FeatureStore(repo_path=str(repo)).materialize(
        built.at.replace(year=2018), built.at, feature_views=sorted(views)
    )
    recommender, query = load(built, repo), busiest(built)
    assert within(20, lambda: recommender.recommend(query).degraded == ())
    recommender.refresh()
    whole = recommender.recommend(query)
    redis.stop()
    for _ in range(3):
        answer = recommender.recommend(query)
        assert len(answer.items) == len(whole.items)
        assert set(answer.degraded) <= {"store_unavailable", "store_timeout"}
        assert bool(answer.degraded) == bool(_WITHOUT[built.name])
    assert fails(recommender.refresh)
    redis.start()
    assert within(60, lambda: recommender.recommend(query).degraded == ())
    assert within(60, lambda: not fails(recommender.refresh))
    assert [item.item for item in recommender.recommend(query).items] == [item.item for item in whole.items]
    recommender.close()


def test_a_registry_that_is_written_anew_while_it_is_read_costs_no_answer_and_no_swap(
    built: Built, repo: Path
) -> None:
    recommender, query = load(built, repo), busiest(built)
    registry, over, answers = repo / "data" / "registry.db", Event(), []
    whole = registry.read_bytes()

    def write() -> None:  # in place, as Feast does
        while not over.is_set():
            with registry.open("wb", buffering=0) as file:
                for part in (whole[: len(whole) // 2], whole[len(whole) // 2 :]):
                    time.sleep(0.003)
                    file.write(part)
            time.sleep(0.02)

    def ask() -> None:
        answers.extend(recommender.recommend(query) for _ in range(40))

    threads = [Thread(target=work) for work in (write, ask, ask, ask)]
    for thread in threads:
        thread.start()
    try:
        swapped = [recommender.swap() for _ in range(3)]
    finally:
        for thread in threads[1:]:
            thread.join()
        over.set()
        threads[0].join()
    assert swapped == [built.bundle] * 3
    assert len(answers) == 120
    assert {answer.degraded for answer in answers} == {()}
    recommender.close()


def test_a_store_that_is_down_at_the_start_is_read_when_it_is_there(built: Built, repo: Path) -> None:
    file, aside = repo / "data" / "online_store.db", repo / "aside.db"
    file.rename(aside)
    recommender, query = load(built, repo), busiest(built)
    first = recommender.recommend(query)
    assert (first.degraded, len(first.items)) == (_WITHOUT[built.name], 10)
    assert fails(recommender.refresh)
    aside.replace(file)
    assert within(20, lambda: recommender.recommend(query).degraded == ())
    assert within(20, lambda: not fails(recommender.refresh))
    recommender.close()


def test_an_item_that_is_gone_from_the_store_comes_without_its_features(built: Built, repo: Path) -> None:
    recommender, query = load(built, repo), busiest(built)
    view, column, _ = PRICE[built.name]
    recommender.refresh()
    before = known_prices(recommender, view, column)
    table = f'"{built.name}_{view}"'
    one = f"SELECT entity_key FROM {table} WHERE feature_name = ? LIMIT 1"
    execute(repo, f"DELETE FROM {table} WHERE entity_key = ({one})", column)
    recommender.refresh()
    after = known_prices(recommender, view, column)
    (gone,) = set(before) - set(after)
    answer = recommender.recommend(query, k=9000)
    assert gone in {item.item for item in answer.items}
    assert "store_unavailable" not in answer.degraded
    assert recommender.similar(gone, k=3).degraded == ()
    dear = recommender.recommend(query, k=9000, filters={column: {"min": 0}})
    assert {item.item for item in dear.items} <= set(after)
    recommender.close()


def known_prices(recommender: Recommender, view: str, column: str) -> list[Any]:
    """The items whose price is known."""
    items = recommender.state.items
    there = items.frame.columns[f"{view}__{column}"].is_valid()
    return items.keys.filter(there).to_pylist()
