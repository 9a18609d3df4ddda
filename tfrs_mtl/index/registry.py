"""The names of the indexes: a new one is one file and one line here."""

from __future__ import annotations

from tfrs_mtl.errors import UserError, nearest
from tfrs_mtl.index.exact import ExactIndex
from tfrs_mtl.index.protocol import Index
from tfrs_mtl.index.scann import ScannIndex

INDEXES: dict[str, type[Index]] = {
    "exact": ExactIndex,
    "scann": ScannIndex,
}


def index_named(name: str) -> type[Index]:
    """Return the index class of a name.

    Raises:
        UserError: there is none; the message lists the names.
    """
    if name not in INDEXES:
        raise UserError(f"no index {name!r}; {nearest(name, list(INDEXES))}")
    return INDEXES[name]
