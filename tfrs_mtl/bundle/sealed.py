"""One bundle: sealed by its manifest when it is written, verified file by file when it is opened."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tfrs_mtl.bundle.files import verify, write_file
from tfrs_mtl.bundle.manifest import Manifest, parse_manifest
from tfrs_mtl.errors import BundleError, listing, nearest

_MANIFEST = "manifest.json"
_DIGEST = "manifest.sha256"


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files were all verified when it was opened."""

    directory: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        """The bundle's id."""
        return self.manifest.id

    def path(self, relative: str) -> Path:
        """Return the path of a file, or of a directory that holds files (BundleError: there is none)."""
        files = self.manifest.files
        if relative not in files and not any(name.startswith(f"{relative}/") for name in files):
            raise BundleError(f"bundle {self.id}: no file {relative!r}; {nearest(relative, list(files))}")
        return self.directory / relative


def seal(directory: Path, manifest: Manifest) -> None:
    """Write the manifest, the last file of a bundle, and its hash, in the form that ``sha256sum -c`` reads.

    Raises:
        BundleError: ``fill`` wrote a file of that name.
    """
    taken = {_MANIFEST, _DIGEST} & set(manifest.files)
    if taken:
        raise BundleError(f"{directory}: {listing(taken)} is the manifest's name; name the file otherwise")
    content = manifest.model_dump_json(indent=2).encode()
    write_file(directory / _MANIFEST, content)
    write_file(directory / _DIGEST, f"{hashlib.sha256(content).hexdigest()}  {_MANIFEST}\n".encode())


def read_manifest(directory: Path) -> Manifest:
    """Return a bundle's manifest, checked against its hash; no other file is read (BundleError)."""
    file = directory / _MANIFEST
    try:
        content = file.read_bytes()
        digest = (directory / _DIGEST).read_bytes()
    except OSError as error:
        raise BundleError(f"{error.filename}: is missing or cannot be read: {error.strerror}") from error
    manifest = parse_manifest(content, file=str(file))
    expected, found = digest[:64].decode("ascii", "replace"), hashlib.sha256(content).hexdigest()
    if digest != f"{found}  {_MANIFEST}\n".encode():
        raise BundleError(f"{file}: expected sha256 {expected}, found {found}")
    if manifest.id != directory.name:
        raise BundleError(f"{file}: expected the id {directory.name}, found {manifest.id}")
    return manifest


def open_verified(directory: Path) -> Bundle:
    """Return a bundle after reading every file of it: whole or not at all.

    Raises:
        BundleError: names the file, what was expected and what was found.
    """
    manifest = read_manifest(directory)
    for name, expected in manifest.files.items():
        verify(directory / name, expected)
    try:
        present = {p.relative_to(directory).as_posix() for p in directory.rglob("*") if not p.is_dir()}
    except OSError as error:
        raise BundleError(f"{directory}: cannot be read: {error}") from error
    foreign = present - {_MANIFEST, _DIGEST, *manifest.files}
    if foreign:
        raise BundleError(
            f"{directory}: expected only the files of the manifest, found also {listing(foreign)}"
        )
    return Bundle(directory, manifest)
