"""Killed writers and disks that are really full: processes of their own, no pretence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest

from tests.bundle.shop import content, fill_small, write
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.errors import StoreError


def _start(code: str, root: Path) -> subprocess.Popen[str]:
    """Run code in a process of its own, where ``store`` is the store and ``write`` writes to it."""
    prelude = f"""
        import os, pathlib, resource, signal, sys, time
        from tests.bundle.shop import fill_small, write
        from tfrs_mtl.bundle import BundleStore
        from tfrs_mtl.errors import StoreError
        store = BundleStore(pathlib.Path({str(root)!r}))
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(prelude) + textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    """A store whose current bundle is whole."""
    store = BundleStore(tmp_path / "bundles")
    store.promote(write(store).id)
    return store


SLEEPING = """
    def fill(directory):
        fill_small(directory)
        print("filling", flush=True)
        time.sleep(60)
    write(store, fill, second=1)
"""


def test_a_killed_writer_leaves_current_alone_and_the_next_write_sweeps_up(store: BundleStore) -> None:
    before = content(store.root)
    with _start(SLEEPING, store.root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "filling\n"
        process.send_signal(signal.SIGKILL)
    assert len(content(store.root)) > len(before)  # what it left
    assert store.open().id == store.current
    assert len(store.list()) == 1
    after = write(store, second=2)
    assert [entry.id for entry in store.list()] == [store.current, after.id]
    store.delete(after.id)
    assert content(store.root) == before


def test_a_writer_at_work_is_not_swept_away(store: BundleStore) -> None:
    with _start(SLEEPING, store.root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "filling\n"
        write(store, second=2)
        drafts = [path for path in store.root.glob(".writing-*") if path.is_dir()]
        assert [sorted(p.name for p in draft.iterdir()) for draft in drafts] == [["items.txt", "towers"]]
        process.kill()


def test_a_writer_killed_at_any_moment_leaves_only_whole_bundles(store: BundleStore) -> None:
    endless = """
        print("writing", flush=True)
        for second in range(1, 60):
            store.promote(write(store, second=second).id)
        time.sleep(60)
    """
    for delay in (0.0, 0.01, 0.02, 0.05, 0.1):
        with _start(endless, store.root) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "writing\n"
            try:
                process.wait(delay)
            except subprocess.TimeoutExpired:
                process.kill()
        assert store.open().id == store.current
        assert [entry.problem for entry in store.list()] == [None] * len(store.list())
        for entry in store.list():
            store.open(entry.id)


def test_a_file_size_limit_stops_the_write_and_nothing_stays(store: BundleStore) -> None:
    before = content(store.root)
    limited = """
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        try:
            write(store, second=1)
        except StoreError as error:
            print(error)
    """
    with _start(limited, store.root) as process:
        output, _ = process.communicate(timeout=60)
    assert "File too large" in output
    assert content(store.root) == before
    store.open()


def _take_all(path: Path) -> None:
    with path.open("wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(bytes(512))


def test_a_disk_that_is_really_full_leaves_current_answering(small_disk: Path) -> None:
    store = BundleStore(small_disk)
    store.promote(write(store).id)
    before = content(store.root)

    def fill(directory: Path) -> None:
        fill_small(directory)
        (directory / "index.npy").write_bytes(bytes(200_000))

    with pytest.raises(StoreError, match="No space left on device"):
        write(store, fill, second=1)
    assert content(store.root) == before
    second = write(store, second=2)  # what was taken is given back
    _take_all(small_disk / "filler")
    with pytest.raises(StoreError, match=r"could not be promoted.*No space left"):
        store.promote(second.id)
    assert store.open().id == store.current != second.id
