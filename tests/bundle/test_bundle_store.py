"""What a store promises: whole or not at all, one current bundle, a past to go back along."""

from __future__ import annotations

import errno
import json
import shutil
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.bundle.shop import TYPES, content, fill_small, write
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.errors import BundleError, StoreError


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    """A store whose current bundle is whole."""
    store = BundleStore(tmp_path / "bundles")
    store.promote(write(store).id)
    return store


def test_what_is_written_is_opened_again(store: BundleStore) -> None:
    bundle = write(store, second=1)
    opened = store.open(bundle.id)
    assert opened == bundle
    assert opened.manifest.types == TYPES
    assert opened.manifest.metrics == {"recall@50": 0.25, "auc": None}
    assert list(opened.manifest.files) == ["items.txt", "towers/weights.bin"]
    assert opened.path("items.txt").read_text() == "apple\npear\n"
    assert opened.path("towers").is_dir()
    with pytest.raises(BundleError, match=r"no file 'item.txt'; did you mean 'items.txt'"):
        opened.path("item.txt")


def test_bundles_are_listed_in_the_order_of_their_making(store: BundleStore) -> None:
    ids = [store.current, write(store, second=1).id, write(store, second=2).id]
    assert [entry.id for entry in store.list()] == ids
    assert [entry.is_current for entry in store.list()] == [True, False, False]


def test_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    store = BundleStore(tmp_path / "none")
    assert store.current is None
    assert store.list() == ()
    with pytest.raises(BundleError, match="no bundle is current; promote one of: none"):
        store.open()
    with pytest.raises(BundleError, match="no bundle was current before"):
        store.roll_back()


def test_roll_back_goes_along_the_whole_past(store: BundleStore) -> None:
    first = store.current
    second, third = write(store, second=1).id, write(store, second=2).id
    for bundle in (second, third, third, second):
        store.promote(bundle)
    assert [store.roll_back().id for _ in range(3)] == [third, second, first]
    assert store.open().id == first
    with pytest.raises(BundleError, match=f"no bundle was current before {first}"):
        store.roll_back()
    assert store.current == first


def test_the_current_bundle_cannot_be_deleted_and_a_deleted_one_is_skipped(store: BundleStore) -> None:
    first = str(store.current)
    second, third = write(store, second=1).id, write(store, second=2).id
    store.promote(second)
    store.promote(third)
    for name in (third, "current"):
        with pytest.raises(BundleError, match="promote another before"):
            store.delete(name)
    store.delete(second)
    assert [entry.id for entry in store.list()] == [first, third]
    assert store.roll_back().id == first


def test_deleting_between_two_turns_of_one_bundle_leaves_one_turn(store: BundleStore) -> None:
    first, second = str(store.current), write(store, second=1).id
    for bundle in (second, first):
        store.promote(bundle)
    store.delete(second)
    assert (store.current, store.previous) == (first, ())


@pytest.mark.parametrize("name", ["../outside", "20261124T120000Z-zzzzzz", "", ".lock"])
def test_an_unknown_id_lists_the_bundles(store: BundleStore, name: str) -> None:
    for action in (store.open, store.promote, store.delete):
        with pytest.raises(BundleError, match=f"no bundle {name!r}; .*{store.current}"):
            action(name)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _flip(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)


def _link(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


@pytest.mark.parametrize("damage", [_truncate, _flip, Path.unlink, _link])
@pytest.mark.parametrize("name", ["items.txt", "towers/weights.bin", "manifest.json", "manifest.sha256"])
def test_a_damaged_bundle_is_refused_whole_and_the_file_is_named(
    store: BundleStore, name: str, damage: Callable[[Path], None]
) -> None:
    good = store.current
    bad = write(store, second=1)
    damage(bad.directory / name)
    for action in (store.open, store.promote):
        with pytest.raises(BundleError, match=r"manifest|elsewhere" if "manifest" in name else name):
            action(bad.id)
    assert store.open().id == good


def test_the_message_says_what_was_expected_and_what_was_found(store: BundleStore) -> None:
    bundle = store.open()
    path = bundle.path("items.txt")
    path.write_text("apple")
    with pytest.raises(BundleError, match=r"items\.txt: expected 11 bytes, found 5"):
        store.open()
    path.write_text("apple\nplum\n")
    with pytest.raises(BundleError, match=r"expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}"):
        store.open()


def test_a_foreign_file_in_a_bundle_is_refused(store: BundleStore) -> None:
    (store.open().directory / "towers" / "old.bin").write_bytes(b"")
    with pytest.raises(BundleError, match=r"found also towers/old\.bin"):
        store.open()


def test_an_unknown_format_is_named_and_listed_as_a_problem(store: BundleStore) -> None:
    bad = write(store, second=1)
    manifest = json.loads((bad.directory / "manifest.json").read_text())
    (bad.directory / "manifest.json").write_text(json.dumps({**manifest, "format": 99, "extra": 1}))
    with pytest.raises(BundleError, match="expected bundle format 3, found 99"):
        store.open(bad.id)
    entry = store.list()[1]
    assert entry.manifest is None
    assert "format 3, found 99" in str(entry.problem)


def test_a_path_out_of_the_bundle_is_refused(store: BundleStore) -> None:
    file = store.open().directory / "manifest.json"
    file.write_text(file.read_text().replace("items.txt", "../items.txt"))
    with pytest.raises(BundleError, match=r"a plain path inside the bundle, got '\.\./items\.txt'"):
        store.open()


def test_a_damaged_pointer_is_named_and_a_promotion_mends_it(store: BundleStore) -> None:
    good = str(store.current)
    (store.root / "current.json").write_text('{"current": ')
    with pytest.raises(BundleError, match=r"current\.json"):
        store.open()
    store.promote(good)
    assert store.open().id == good


def test_a_damaged_bundle_is_not_rolled_back_to_until_it_is_deleted(store: BundleStore) -> None:
    first = store.current
    second, third = write(store, second=1), write(store, second=2)
    store.promote(second.id)
    store.promote(third.id)
    _flip(second.path("items.txt"))
    with pytest.raises(BundleError, match=r"items\.txt"):
        store.roll_back()
    assert store.current == third.id
    store.delete(second.id)
    assert store.roll_back().id == first


def _full_disk(directory: Path) -> None:
    fill_small(directory)
    raise OSError(errno.ENOSPC, "No space left on device", str(directory / "index.npy"))


def _interrupted(directory: Path) -> None:
    fill_small(directory)
    raise KeyboardInterrupt


def _faulty(directory: Path) -> None:
    fill_small(directory)
    raise ZeroDivisionError


def _linking(directory: Path) -> None:
    (directory / "link").symlink_to("/etc/hostname")


def _taking_the_name(directory: Path) -> None:
    (directory / "manifest.json").write_text("{}")


@pytest.mark.parametrize(
    ("fill", "error"),
    [
        (_full_disk, StoreError),
        (_interrupted, KeyboardInterrupt),
        (_faulty, ZeroDivisionError),
        (_linking, BundleError),
        (_taking_the_name, BundleError),
        (shutil.rmtree, StoreError),
    ],
)
def test_a_failed_write_leaves_everything_as_it_was(
    store: BundleStore, fill: Callable[[Path], None], error: type[BaseException]
) -> None:
    before = content(store.root)
    with pytest.raises(error):
        write(store, fill, second=1)
    assert content(store.root) == before
    store.open()


def test_a_full_disk_is_told_as_such(store: BundleStore) -> None:
    with pytest.raises(StoreError, match=r"could not be written.*No space left.*nothing was changed"):
        write(store, _full_disk)


def test_readers_never_see_a_half_state_while_bundles_come_and_go(store: BundleStore) -> None:
    ids = [str(store.current), write(store, second=1).id, write(store, second=2).id]
    done, failures = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            try:
                assert store.open().id in ids
            except Exception as error:
                failures.append(error)

    def promote(bundle: str) -> None:
        for _ in range(30):
            store.promote(bundle)

    readers = [threading.Thread(target=read) for _ in range(3)]
    writers = [threading.Thread(target=promote, args=(bundle,)) for bundle in ids]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert failures == []
    steps = [*store.previous, str(store.current)]
    assert all(one != other for one, other in pairwise(steps))


def test_current_is_found_anew_when_it_is_deleted_under_a_reader(store: BundleStore) -> None:
    done, failures = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            try:
                store.open()
            except Exception as error:
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for second in range(1, 30):
        old = str(store.current)
        store.promote(write(store, second=second).id)
        store.delete(old)
    done.set()
    reader.join()
    assert failures == []
