"""Events go back into Feast, and the next request knows of them."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from redis import Redis

from serving import Event, Recommender, Wishes
from serving.answering import answer
from serving.events import Recorder
from serving.request import read_request
from serving.state import State
from tests.e2e.built import Built
from tests.serving.copies import copy_of
from tests.serving.loaded import busiest, keys
from tfrs_mtl.errors import RequestError, StoreError
from tfrs_mtl.features import build_features
from tfrs_mtl.project import open_project
from tfrs_mtl.schema import histories

_MET: dict[str, dict[str, Any]] = {"bazaar": {"ordered": 1, "gift": True}, "cinema": {"click": 1}}
_MICROSECOND = timedelta(microseconds=1)


@dataclass
class World:
    """A shop's copy whose events are recorded, and its present."""

    built: Built
    path: Path
    spec: Path
    now: datetime

    def load(self) -> Recommender:
        content = yaml.safe_load((self.path / "recommender.yaml").read_text())
        self.spec.write_text(yaml.safe_dump({**content, "serving": {"record": True}}))
        artefacts = self.built.project.artefacts
        return Recommender.load(self.path, spec=self.spec, artefacts=artefacts, clock=lambda: self.now)


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def world(
    built: Built, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    root = tmp_path_factory.mktemp("events")
    address = None
    if request.param == "redis":
        host, _, port = request.getfixturevalue("redis_address").partition(":")
        number = 1 + os.getpid() % 15
        address = f"{host}:{port},db={number}"
    path = copy_of(built, root / "repo", redis=address)
    yield World(built, path, root / "recording.yaml", built.at)
    if address is not None:
        Redis(host, int(port), db=number).flushdb()


@pytest.fixture(scope="module")
def recommender(world: World) -> Iterator[Recommender]:
    loaded = world.load()
    yield loaded
    loaded.close()


def with_settings(state: State, **settings: Any) -> State:
    """The same state under other settings of ``serving``."""
    serving = state.settings.model_copy(update=settings)
    spec = state.project.spec.model_copy(update={"serving": serving})
    return replace(state, project=replace(state.project, spec=spec))


def history(recommender: Recommender, query: Any) -> list[Any]:
    """What the online store holds of a query's history, most recent first."""
    found = recommender.state.schema.history
    if found is None:
        return []
    table = recommender.state.project.repo.online(
        recommender.state.schema.query, [query], at=recommender.status().at + timedelta(days=2)
    )
    return table.column(found.name)[0].as_py() or []


def strangers(recommender: Recommender, query: Any, count: int) -> list[Any]:
    """Items that a query has not met."""
    met = set(history(recommender, query))
    return [key for key in recommender.state.items.keys.to_pylist() if key not in met][:count]


@pytest.mark.services
def test_the_next_request_sees_what_was_just_met(world: World, recommender: Recommender) -> None:
    has_history = recommender.state.schema.history is not None
    strict = with_settings(recommender.state, met_within=timedelta(days=1))
    for query in [*busiest(world.built, 1), {"bazaar": 999_999, "cinema": "new here"}[world.built.name]]:
        (item,) = strangers(recommender, query, 1)
        event = Event(query, item, world.now - timedelta(seconds=1), _MET[world.built.name])
        assert recommender.record([event]) == ("fresh" if has_history else "uncounted",)
        if has_history:
            found = recommender.recommend(query, k=9000)
            assert "own" in next(each.sources for each in found.items if each.item == item)
            assert history(recommender, query)[0] == item
            request = read_request(strict, [query], Wishes(k=9000), at=world.now)
            (filtered,) = answer(strict, request, recommender._reader.read(strict, request))
            assert item not in keys(filtered)
            assert recommender.record([event]) == ("known",)


@pytest.mark.services
def test_what_is_pushed_is_what_the_features_would_be_at_that_moment(
    world: World, recommender: Recommender
) -> None:
    """The event comes a microsecond before a time of the grid: there is a snapshot to compare with."""
    query, other = busiest(world.built, 5)[3:]
    items = strangers(recommender, query, 2)
    moment = world.now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
    before = {view.name: recommender.state.project.repo.held(view, [query]) for view, _ in views(recommender)}
    world.now, present = moment, world.now
    told = [
        Event(query, items[0], present + timedelta(hours=1), _MET[world.built.name]),
        Event(other, items[0], present + timedelta(hours=2), {}),
        Event(query, items[1], moment - _MICROSECOND, _MET[world.built.name]),
    ]
    outcomes = recommender.record(told)
    world.now = present
    content = yaml.safe_load(world.spec.read_text())
    world.spec.write_text(yaml.safe_dump({**content, "split": {**content["split"], "end": None}}))
    project = open_project(world.path, spec=world.spec)
    list(build_features(project, now=moment, until=moment))
    assert outcomes == (("fresh", "uncounted", "fresh") if before else ("uncounted",) * 3)
    for view, declared in views(recommender):
        held = recommender.state.project.repo.held(view, [query])
        assert held.times.to_pylist() == [moment]
        table = pq.read_table(view.source.path)
        wanted = pa.compute.and_(
            pa.compute.equal(table[view.keys[0].name], query),
            pa.compute.equal(table[view.source.timestamp], moment),
        )
        (expected,) = table.filter(wanted).to_pylist()
        (found,), (former,) = held.values.to_pylist(), before[view.name].values.to_pylist()
        for name, measure in declared.features.items():
            if measure.measure in ("last", "ages", "recency"):
                assert found[name] == (
                    expected[name] if measure.measure == "last" else pytest.approx(expected[name])
                )
            else:
                assert found[name] == former[name]
    rows = project.repo.rows(project.schema.events, project.schema.events.keys, start=present)
    assert len(rows) >= 3


def views(recommender: Recommender) -> Sequence[Any]:
    return histories(recommender.state.schema)


@pytest.mark.services
def test_events_out_of_order_take_their_place_and_move_nothing_back(
    world: World, recommender: Recommender
) -> None:
    query = busiest(world.built, 2)[1]
    new, old = strangers(recommender, query, 2)
    late = world.now - timedelta(minutes=5)
    values = _MET[world.built.name]
    recommender.record([Event(query, new, world.now, values)])
    outcomes = recommender.record([Event(query, old, late, values)])
    if not views(recommender):
        assert outcomes == ("uncounted",)
        return
    assert outcomes == ("fresh",)
    assert history(recommender, query)[:2] == [new, old]
    for view, _ in views(recommender):
        (time,) = recommender.state.project.repo.held(view, [query]).times.to_pylist()
        assert time == world.now + timedelta(seconds=2)
    assert recommender.record([Event(query, old, late, values)]) == ("known",)


@pytest.mark.services
def test_events_of_one_query_from_many_threads_are_all_held(world: World, recommender: Recommender) -> None:
    query = busiest(world.built, 3)[2]
    items = strangers(recommender, query, 8)
    at = world.now + timedelta(seconds=1)
    told = [Event(query, item, at + n * _MICROSECOND, _MET[world.built.name]) for n, item in enumerate(items)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda event: recommender.record([event]), told))
    if views(recommender):
        assert outcomes == [("fresh",)] * 8
        assert history(recommender, query)[:8] == items[::-1]


@contextmanager
def written_by_another(file: Path) -> Iterator[None]:
    """Write to sqlite's file all the while, as a materialisation in another process does."""
    stop = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(file, timeout=60)) as db:
            db.execute("CREATE TABLE IF NOT EXISTS another (n INTEGER)")
            while not stop.wait(0.002):
                with db:
                    db.execute("INSERT INTO another VALUES (1)")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.services
def test_events_are_taken_while_many_read_and_another_process_writes(
    world: World, recommender: Recommender
) -> None:
    settings = yaml.safe_load((world.path / "feature_store.yaml").read_text())["online_store"]
    file = world.path / settings["path"] if settings["type"] == "sqlite" else None
    if file is not None:
        with closing(sqlite3.connect(file)) as db:
            db.execute("PRAGMA journal_mode=WAL")  # as docs/serving.md has it: else readers wait for writers
    patient = with_settings(recommender.state, record_deadline=timedelta(seconds=60))
    queries, stop = busiest(world.built, 8), threading.Event()
    told = queries[-2:]  # the other tests tell of the first
    items = strangers(recommender, told[0], 40)
    recorder = Recorder()

    def ask(query: Any) -> None:
        while not stop.is_set():
            recommender.recommend(query)

    with ThreadPoolExecutor(8) as pool, written_by_another(file) if file is not None else nullcontext():
        asking = [pool.submit(ask, query) for query in queries]
        try:
            found = [
                outcome
                for item in items
                for outcome in recorder.record(
                    patient,
                    [Event(query, item, world.now, _MET[world.built.name]) for query in told],
                    now=world.now,
                )
            ]
        finally:
            stop.set()
        [each.result() for each in asking]
    recorder.close()
    assert len(found) == 2 * len(items)
    assert set(found) <= {"fresh", "known", "uncounted"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query": 1.5}, "query: .* expected"),
        ({"item": None}, "item: .* expected"),
        ({"at": datetime(2024, 1, 1)}, r"events\.1\.at: expected a time with a zone"),
        ({"at": "later"}, r"events\.1\.at: .* is yet to come"),
        ({"values": {"no such": 1}}, r"events\.1\.values\.no such: .* valid: "),
        ({"values": {"FLAG": "yes"}}, r"events\.1\.values\..*: expected"),
    ],
)
def test_an_event_without_sense_is_named_and_none_is_pushed(
    world: World, recommender: Recommender, change: dict[str, Any], message: str
) -> None:
    (query,) = busiest(world.built, 1)
    (item,) = strangers(recommender, query, 1)
    good = Event(query, item, world.now, _MET[world.built.name])
    if change.get("at") == "later":
        change = {"at": world.now + timedelta(hours=1)}
    if "FLAG" in change.get("values", {}):
        change = {"values": {next(iter(_MET[world.built.name])): "yes"}}
    before = history(recommender, query)
    with pytest.raises(RequestError, match=message):
        recommender.record([good, replace(good, **change)])
    assert history(recommender, query) == before


def test_without_the_setting_events_are_refused(world: World, recommender: Recommender) -> None:
    (query,) = busiest(world.built, 1)
    off = with_settings(recommender.state, record=False)
    with pytest.raises(RequestError, match=r"serving\.record"):
        Recorder().record(off, [Event(query, strangers(recommender, query, 1)[0])], now=world.now)


class _Down:
    """A repo whose online store has failed."""

    def held(self, *_: Any, **__: Any) -> Any:
        raise StoreError("down")

    push = append = held


def test_a_store_that_fails_is_said_of_every_event(world: World, recommender: Recommender) -> None:
    (query,) = busiest(world.built, 1)
    (item,) = strangers(recommender, query, 1)
    state = recommender.state
    down = replace(state, project=replace(state.project, repo=_Down()))  # type: ignore[arg-type]
    event = Event(query, item, world.now, _MET[world.built.name])
    assert Recorder().record(down, [event, event], now=world.now) == ("store_unavailable",) * 2


class _Slow:
    """A repo whose online store answers when its event is set, and which keeps what was appended."""

    def __init__(self, repo: Any, going: threading.Event) -> None:
        self._repo, self._going, self.appended = repo, going, 0

    def held(self, *arguments: Any) -> Any:
        self._going.wait(30)
        return self._repo.held(*arguments)

    def push(self, *_: Any, **__: Any) -> None:
        self._going.wait(30)

    def append(self, *_: Any, **__: Any) -> None:
        self.appended += 1


def test_a_store_that_is_slow_costs_the_deadline_and_nothing_is_kept_too_late(
    world: World, recommender: Recommender
) -> None:
    query, other = busiest(world.built, 2)
    (item,) = strangers(recommender, query, 1)
    going = threading.Event()
    repo = _Slow(recommender.state.project.repo, going)
    state = with_settings(recommender.state, record_deadline=timedelta(seconds=1))
    slow = replace(state, project=replace(state.project, repo=repo))  # type: ignore[arg-type]
    told = [Event(each, item, world.now, _MET[world.built.name]) for each in (query, other)]
    recorder, began = Recorder(), time.monotonic()
    outcomes = recorder.record(slow, told, now=world.now)
    if not views(recommender):  # nothing of the store is asked for
        assert outcomes == ("uncounted",) * 2
        return
    assert outcomes == ("store_timeout",) * 2
    assert time.monotonic() - began < 10
    going.set()
    assert recorder.record(slow, told, now=world.now) == ("fresh",) * 2
    assert repo.appended == 1  # of the call that came in time
    recorder.close()
