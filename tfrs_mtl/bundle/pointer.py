"""The pointer: which bundle is current and which were before it, in one file that is replaced whole."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tfrs_mtl.bundle.files import sync, write_file
from tfrs_mtl.errors import BundleError

_FILE = "current.json"


class Pointer(BaseModel):
    """The current bundle's id, and the ids it replaced, latest last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    current: str | None = None
    previous: tuple[str, ...] = ()

    def promoting(self, bundle: str) -> Pointer:
        """Return the pointer after a promotion; promoting the current one changes nothing."""
        if self.current in (None, bundle):
            return Pointer(current=bundle, previous=self.previous)
        return Pointer(current=bundle, previous=(*self.previous, str(self.current)))

    def without(self, bundle: str) -> Pointer:
        """Return the pointer with a deleted bundle gone from its past, and no id twice in a row."""
        kept: list[str] = []
        for name in self.previous:
            if name != bundle and kept[-1:] != [name]:
                kept.append(name)
        if kept[-1:] == [self.current]:
            kept.pop()
        return Pointer(current=self.current, previous=tuple(kept))


def read_pointer(root: Path) -> Pointer:
    """Return the pointer of a store; empty where nothing was promoted yet.

    Raises:
        BundleError: the file is not what ``write_pointer`` wrote.
    """
    file = root / _FILE
    try:
        return Pointer.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return Pointer()
    except (OSError, ValidationError) as error:
        raise BundleError(
            f"{file}: expected the pointer to the current bundle: {error}; promote one"
        ) from error


def write_pointer(root: Path, pointer: Pointer) -> None:
    """Replace the pointer in one rename; the caller holds the store's lock."""
    new = root / f".{_FILE}"
    try:
        write_file(new, pointer.model_dump_json(indent=2).encode())
        os.replace(new, root / _FILE)
    finally:
        new.unlink(missing_ok=True)
    sync(root)
