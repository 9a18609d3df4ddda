"""The directory of bundles: write, list, open, promote, roll back, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from pydantic import JsonValue

from tfrs_mtl.bundle.compare import SchemaTypes
from tfrs_mtl.bundle.draft import draft, remove, store_lock
from tfrs_mtl.bundle.files import settle
from tfrs_mtl.bundle.manifest import FORMAT, Manifest, is_id, new_id
from tfrs_mtl.bundle.pointer import Pointer, read_pointer, write_pointer
from tfrs_mtl.bundle.sealed import Bundle, open_verified, read_manifest, seal
from tfrs_mtl.errors import BundleError, StoreError, listing, nearest

CURRENT = "current"


@dataclass(frozen=True)
class Entry:
    """One bundle in a listing; ``problem`` says why ``manifest`` is absent. Files are not verified."""

    id: str
    is_current: bool
    manifest: Manifest | None
    problem: str | None


@dataclass(frozen=True)
class BundleStore:
    """Bundles under one root directory, ``root/<id>``, and one pointer to the current one.

    Readers take no lock and never see a half state: a bundle is renamed into place whole, the pointer is
    replaced whole. Writers, also of other processes on the machine, take turns by a lock file.
    """

    root: Path

    def write(
        self,
        *,
        fill: Callable[[Path], None],
        name: str,
        created: datetime,
        at: datetime,
        seed: int,
        versions: Mapping[str, str],
        spec: Mapping[str, JsonValue],
        types: SchemaTypes,
        metrics: Mapping[str, JsonValue],
    ) -> Bundle:
        """Write a new bundle, whole or not at all; it is not promoted.

        Args:
            fill: writes the bundle's files into the empty directory it is given.
            name, at, seed, versions, spec, types, metrics: see ``Manifest``.
            created: now, with a zone.

        Raises:
            StoreError: the disk failed or is full; whatever else ``fill`` raises comes as it is. Either
                way nothing is left behind.
        """
        bundle = new_id(created)
        with (
            _disk(f"bundle {bundle} could not be written to {self.root}"),
            draft(self.root, bundle) as directory,
        ):
            fill(directory)
            manifest = Manifest(
                format=FORMAT,
                id=bundle,
                name=name,
                created=created.astimezone(timezone.utc),
                at=at,
                seed=seed,
                versions=dict(versions),
                spec=dict(spec),
                types=types,
                metrics=dict(metrics),
                files=settle(directory),
            )
            seal(directory, manifest)
        return Bundle(self.root / bundle, read_manifest(self.root / bundle))

    def open(self, bundle: str = CURRENT) -> Bundle:
        """Open a bundle by id, or the current one, verifying the size and hash of every file.

        Raises:
            BundleError: there is none, or a file is missing, damaged or not of the bundle; the message
                names it, what was expected and what was found.
        """
        name = self._resolved(bundle)
        try:
            return open_verified(self.root / name)
        except BundleError:
            now = self._resolved(bundle)
            if now == name:
                raise
        return self.open(bundle)  # promoted and deleted while we read

    @property
    def current(self) -> str | None:
        """The id of the current bundle; None where nothing was promoted yet."""
        return read_pointer(self.root).current

    @property
    def previous(self) -> tuple[str, ...]:
        """The ids that were current before, latest last: the way that ``roll_back`` goes."""
        return read_pointer(self.root).previous

    def list(self) -> tuple[Entry, ...]:
        """Return all bundles, oldest first, the damaged ones too."""
        current = self.current
        return tuple(_entry(self.root / name, is_current=name == current) for name in self._ids())

    def promote(self, bundle: str) -> Bundle:
        """Verify a bundle and make it the current one; the one before it is remembered.

        Raises:
            BundleError: the bundle does not open; the current one stays.
            StoreError: the disk failed; the current one stays.
        """
        with _disk(f"bundle {bundle} could not be promoted"), store_lock(self.root):
            promoted = self.open(bundle)
            write_pointer(self.root, _past(self.root).promoting(promoted.id))
        return promoted

    def roll_back(self) -> Bundle:
        """Make the bundle current that was so before the current one; again and again along the past.

        Raises:
            BundleError: there is none before, or it does not open; the current one stays.
        """
        with _disk("the current bundle could not be rolled back"), store_lock(self.root):
            pointer = read_pointer(self.root)
            if not pointer.previous:
                raise BundleError(f"{self.root}: no bundle was current before {pointer.current or 'now'}")
            before = self.open(pointer.previous[-1])
            write_pointer(self.root, Pointer(current=before.id, previous=pointer.previous[:-1]))
        return before

    def delete(self, bundle: str) -> None:
        """Delete a bundle, damaged or not; ``roll_back`` skips it from then on.

        Raises:
            BundleError: it is the current one, or there is none of that id.
        """
        with _disk(f"bundle {bundle} could not be deleted"), store_lock(self.root):
            pointer = read_pointer(self.root)
            if bundle in (CURRENT, pointer.current):
                raise BundleError(
                    f"bundle {pointer.current} is current: promote another before you delete it"
                )
            self._resolved(bundle)
            write_pointer(self.root, pointer.without(bundle))
            remove(self.root, bundle)

    def _ids(self) -> tuple[str, ...]:
        if not self.root.is_dir():
            return ()
        return tuple(sorted(p.name for p in self.root.iterdir() if is_id(p.name) and p.is_dir()))

    def _resolved(self, bundle: str) -> str:
        """Return the id of a bundle that is there, or say which are."""
        name = self.current if bundle == CURRENT else bundle
        if name is None:
            raise BundleError(f"{self.root}: no bundle is current; promote one of: {listing(self._ids())}")
        if not is_id(name) or not (self.root / name).is_dir():
            raise BundleError(f"{self.root}: no bundle {name!r}; {nearest(name, self._ids())}")
        return name


def _past(root: Path) -> Pointer:
    """Return the pointer, or an empty one where it is damaged: a promotion mends it."""
    try:
        return read_pointer(root)
    except BundleError:
        return Pointer()


@contextmanager
def _disk(failure: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{failure}: {error}; nothing was changed") from error


def _entry(directory: Path, *, is_current: bool) -> Entry:
    try:
        return Entry(directory.name, is_current, read_manifest(directory), None)
    except BundleError as error:
        return Entry(directory.name, is_current, None, str(error))
