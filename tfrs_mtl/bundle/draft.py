"""A directory in the making: renamed into place when it is done, gone when it is not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tfrs_mtl.bundle.files import is_abandoned, locked, sync

_LOCK = ".lock"
_WRITING = ".writing-"
_DELETED = ".deleted-"
_LOCK_SUFFIX = ".lock"


@contextmanager
def store_lock(root: Path) -> Iterator[None]:
    """Let one writer at a time change what a store holds; the root is made if it is missing."""
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / _LOCK):
        yield


@contextmanager
def draft(root: Path, name: str) -> Iterator[Path]:
    """Yield an empty directory that becomes ``root/name`` in one rename when the block ends well.

    When it raises anything at all the directory is removed. A writer that is killed leaves its directory
    behind with a lock that nobody holds any more; the next draft sweeps it away.
    """
    temporary = root / f"{_WRITING}{name}"
    lock = root / f"{temporary.name}{_LOCK_SUFFIX}"
    with ExitStack() as stack:
        with store_lock(root):
            _sweep(root)
            stack.enter_context(locked(lock))
            temporary.mkdir()
        try:
            yield temporary
            sync(temporary)
            os.rename(temporary, root / name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            lock.unlink(missing_ok=True)
    sync(root)


def remove(root: Path, name: str) -> None:
    """Remove ``root/name``: out of sight in one rename, then from the disk."""
    gone = root / f"{_DELETED}{name}"
    os.rename(root / name, gone)
    shutil.rmtree(gone)


def _sweep(root: Path) -> None:
    """Remove what killed writers left; the caller holds the store's lock."""
    for path in root.glob(f"{_DELETED}*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in root.glob(f"{_WRITING}*"):
        directory = path.with_name(path.name.removesuffix(_LOCK_SUFFIX))
        lock = directory.with_name(directory.name + _LOCK_SUFFIX)
        if is_abandoned(lock):
            shutil.rmtree(directory, ignore_errors=True)
            lock.unlink(missing_ok=True)
