"""What goes wrong around us: a clear error, nothing half-written, and the current bundle still answers."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.built import ROOT, SEED, Built, run
from tests.shops import SHOPS
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.bundle.contents import open_contents
from tfrs_mtl.errors import StoreError
from tfrs_mtl.project import Project
from tfrs_mtl.training.run import train, write_bundle

NOW = datetime(2025, 1, 1, tzinfo=timezone.utc)
_EVENTS = {"bazaar": "orders", "cinema": "impressions"}


def _answers(built: Built) -> bool:
    query = str(built.shop.queries.keys[0].as_py())
    return built.json("recommend", "--at", built.at.isoformat(), query)["versions"]["bundle"] == built.bundle


@contextmanager
def _truncated(file: Path) -> Iterator[None]:
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    try:
        yield
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize("command", [["features"], ["train"], ["evaluate"], ["batch-score"]])
def test_truncated_interactions_are_the_users_to_mend_and_the_file_is_named(
    built: Built, command: list[str]
) -> None:
    file = built.path / "data" / f"{_EVENTS[built.name]}.parquet"
    with _truncated(file):
        done = built.run(*command)
        assert _answers(built)
    assert (done.exit_code, done.stdout) == (2, "")
    assert str(file) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["features"], ["train"], ["batch-score"], ["recommend", "1"]])
def test_a_repo_that_was_never_applied_lacks_everything_and_says_so(
    built: Built, tmp_path: Path, command: list[str]
) -> None:
    path = SHOPS[built.name](tmp_path / "repo")
    done = run("-c", str(path), "--artefacts", str(built.project.artefacts), *command)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "feast apply" in done.stderr


def test_a_directory_that_is_no_repo_is_named(tmp_path: Path) -> None:
    done = run("-c", str(tmp_path), "train")
    assert (done.exit_code, done.stdout) == (2, "")
    assert str(tmp_path) in done.stderr


def test_a_killed_training_goes_on_and_ends_as_if_it_had_not_been_killed(
    built: Built, tmp_path: Path
) -> None:
    """Two processes, one of them killed, give what a third gave at one go: the same seed, the same models."""
    project = replace(built.project, artefacts=tmp_path / "artefacts")
    _kill_in_mid_training(built, project)
    assert not BundleStore(project.bundles).list()
    assert _answers(built)
    report = train(project, seed=SEED, now=NOW)
    assert report.retrieval.resumed_from > 0
    resumed = open_contents(report.bundle, project).contents
    whole = open_contents(BundleStore(built.bundles).open(), built.project).contents
    for ours, theirs in (
        (resumed.models.retrieval, whole.models.retrieval),
        (resumed.models.ranking, whole.models.ranking),
    ):
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def _kill_in_mid_training(built: Built, project: Project) -> None:
    command = [sys.executable, "-m", "tfrs_mtl", "-c", str(built.path), "--artefacts", str(project.artefacts)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    training = subprocess.Popen(
        [*command, "train", "--seed", str(SEED)], env=environment, cwd="/", stderr=subprocess.DEVNULL
    )
    state = project.runs / f"seed-{SEED}" / "retrieval" / "state.json"
    try:
        while not state.exists():
            assert training.poll() is None, "it ended before it could be killed"
            time.sleep(0.02)
    finally:
        training.send_signal(signal.SIGKILL)
        training.wait()
    assert training.returncode == -signal.SIGKILL


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """Let this process write no file beyond a size: a disk that is full in the middle of one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [1_000, 50_000])
def test_a_full_disk_leaves_no_half_bundle_and_the_current_one_answers(
    built: Built, tmp_path: Path, size: int
) -> None:
    project = replace(built.project, artefacts=tmp_path / "artefacts")
    shutil.copytree(built.bundles, project.bundles)
    contents = open_contents(BundleStore(project.bundles).open(), project).contents
    with _largest_file(size), pytest.raises(StoreError, match="could not be written"):
        write_bundle(project, built.shop, contents.models, seed=SEED, now=NOW, metrics={})
    assert [entry.id for entry in BundleStore(project.bundles).list()] == [built.bundle]
    assert not [path for path in project.bundles.iterdir() if path.is_dir() and path.name != built.bundle]
    done = run("-c", str(built.path), "--artefacts", str(project.artefacts), "recommend", "1")
    assert done.exit_code == 0


def test_a_full_file_system_under_a_training_is_no_mistake_of_the_users(
    built: Built, small_disk: Path
) -> None:
    done = run("-c", str(built.path), "--artefacts", str(small_disk), "train", "--seed", str(SEED))
    assert (done.exit_code, done.stdout) == (1, "")
    assert str(small_disk) in done.stderr
    assert not list(small_disk.glob("bundles/*/manifest.json"))
    assert _answers(built)
