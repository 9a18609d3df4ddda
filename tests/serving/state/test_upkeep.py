"""A recommender keeps itself fresh: new items from the online store, another bundle when it is promoted."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from serving import Recommender
from tests.e2e.built import STARTS, Built, applied, start_feast
from tests.serving.bundles import copied
from tests.serving.elsewhere import PRICE, elsewhere, materialise
from tests.serving.loaded import read_by_feast
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.errors import StoreError


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def _load(built: Built, artefacts: Path, tmp_path: Path, **serving: object) -> Recommender:
    content = yaml.safe_load((built.path / "recommender.yaml").read_text())
    spec = tmp_path / "recommender.yaml"
    spec.write_text(yaml.safe_dump({**content, "serving": serving}))
    return Recommender.load(built.path, spec=spec, artefacts=artefacts, clock=lambda: built.at)


def test_the_items_are_read_anew_again_and_again(built: Built, tmp_path: Path) -> None:
    recommender = _load(built, built.project.artefacts, tmp_path, refresh="200ms")
    assert _within(20, lambda: recommender.status().counts.get("refreshes", 0) >= 2)
    assert int(recommender.status().snapshot.rpartition("-")[2]) >= 2
    recommender.close()


def test_the_items_are_read_anew_after_a_materialisation_long_before_the_timer(
    built: Built, tmp_path: Path
) -> None:
    root = elsewhere(built, tmp_path / "repo", refresh="10h")
    recommender = Recommender.load(root, artefacts=built.project.artefacts, clock=lambda: built.at)
    view, column, _ = PRICE[built.name]

    def prices() -> int:
        return len(recommender.state.items.frame.columns[f"{view}__{column}"].drop_null())

    assert _within(20, lambda: recommender.status().counts.get("refreshes", 0) == 1 and prices() == 0)
    materialise(root, built.at)
    assert _within(30, lambda: prices() > 0)
    read = recommender.status().counts["refreshes"]
    time.sleep(6)  # a look at the registry later, without a materialisation
    assert recommender.status().counts["refreshes"] - read <= 1  # it may have read between two views
    materialise(root, built.at)  # the same span again: Feast wrote the rows anew
    assert _within(30, lambda: recommender.status().counts["refreshes"] > read)
    recommender.close()


def test_a_promoted_bundle_takes_over_and_a_roll_back_takes_it_back(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.project.artefacts, tmp_path / "artefacts")
    store = BundleStore(tmp_path / "artefacts" / "bundles")
    recommender = _load(built, tmp_path / "artefacts", tmp_path, follow="100ms")
    fresh = copied(store, built.bundle)
    assert recommender.status().bundle == built.bundle
    store.promote(fresh)
    assert _within(20, lambda: recommender.status().bundle == fresh)
    store.roll_back()
    assert _within(20, lambda: recommender.status().bundle == built.bundle)
    recommender.close()


def test_a_refresh_that_fails_keeps_the_items_and_is_counted(built: Built, tmp_path: Path) -> None:
    recommender = _load(built, built.project.artefacts, tmp_path)
    before = recommender.status().snapshot
    store, aside = built.path / "data" / "online_store.db", tmp_path / "aside.db"
    shutil.move(store, aside)
    try:
        with pytest.raises(StoreError):
            recommender.refresh()
    finally:
        store.unlink(missing_ok=True)
        shutil.move(aside, store)
    assert recommender.status().snapshot == before
    assert recommender.status().counts["refresh_failures"] == 1
    recommender.close()


def _feast(path: Path, *arguments: str) -> None:
    done = start_feast(path, *arguments)
    _, errors = done.communicate()
    assert done.returncode == 0, errors


@pytest.mark.services
def test_on_redis_the_items_are_what_feast_serves(built: Built, tmp_path: Path, redis_address: str) -> None:
    def edit(path: Path) -> None:
        file = path / "feature_store.yaml"
        content = yaml.safe_load(file.read_text())
        content["project"] = f"{built.name}_{uuid.uuid4().hex[:8]}"
        content["online_store"] = {"type": "redis", "connection_string": redis_address}
        file.write_text(yaml.safe_dump(content))
        for parquet in (built.path / "data").iterdir():
            if parquet.suffix == ".parquet":
                shutil.copyfile(parquet, path / "data" / parquet.name)

    path = applied(built.name, tmp_path / "repo", edit=edit)
    span = (f"{STARTS[built.name]:%Y}-01-01T00:00:00", f"{built.at:%Y-%m-%dT%H:%M:%S}")
    _feast(path, "materialize", *span)
    recommender = Recommender.load(path, artefacts=built.project.artefacts, clock=lambda: built.at)
    recommender.refresh()
    columns, filled = recommender.state.items.frame.columns, 0
    for name, served in read_by_feast(path, recommender).items():
        assert columns[name].to_pylist() == served, name
        filled += len(served) - columns[name].null_count
    assert filled > recommender.state.size
    recommender.close()
    _feast(path, "teardown")
