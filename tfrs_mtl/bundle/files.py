"""Files that survive a crash, and the check that they are what they were."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfrs_mtl.bundle.manifest import FileRecord
from tfrs_mtl.errors import BundleError

_CHUNK = 2**20


def sync(path: Path) -> None:
    """Flush a file or directory to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file and flush it."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def record(path: Path) -> FileRecord:
    """Return the size and hash of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return FileRecord(sha256=digest.hexdigest(), bytes=size)


def settle(directory: Path) -> dict[str, FileRecord]:
    """Flush everything below a directory and return its files' records by relative path.

    Raises:
        BundleError: something is neither a file nor a directory (a link's target is not the bundle's).
    """
    records = {}
    for parent, _, names in os.walk(directory):
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_symlink() or not path.is_file():
                raise BundleError(f"{path}: a bundle holds plain files only")
            sync(path)
            records[path.relative_to(directory).as_posix()] = record(path)
        sync(Path(parent))
    return dict(sorted(records.items()))


def verify(path: Path, expected: FileRecord) -> None:
    """Check one file against its record.

    Raises:
        BundleError: names the file, what was expected and what was found.
    """
    if path.is_symlink() or not path.is_file():
        raise BundleError(f"{path}: expected a file of {expected.bytes} bytes, found none")
    try:
        size = path.stat().st_size
        found = record(path) if size == expected.bytes else None
    except OSError as error:
        raise BundleError(f"{path}: expected {expected.bytes} bytes, cannot be read: {error}") from error
    if found is None:
        raise BundleError(f"{path}: expected {expected.bytes} bytes, found {size}")
    if found != expected:
        raise BundleError(f"{path}: expected sha256 {expected.sha256}, found {found.sha256}")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between threads and processes, which the system frees when its holder dies."""
    with path.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def is_abandoned(path: Path) -> bool:
    """Tell whether nobody holds the lock of a path (or there is none)."""
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True
