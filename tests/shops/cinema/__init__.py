"""The cinema: members (string keys) are shown slates of films (int64 keys beyond 2^53); all is logged.

Impressions with click -> cart -> order, so no sampled negatives. Renamed columns, a created timestamp, names
with spaces and reserved words, nulls, members without a profile, film versions with a finite TTL.
"""

from __future__ import annotations

from pathlib import Path

from tests.shops.cinema import tables, world
from tests.shops.cinema.world import END, START, TEST, VALIDATION
from tests.shops.files import write_repo
from tests.shops.tastes import Truth

__all__ = ["END", "START", "TEST", "VALIDATION", "build", "truth"]


def build(root: Path, *, seed: int = 0) -> Path:
    """Write the shop's repo into ``root`` (made where missing) and return its path; nothing is applied."""
    return write_repo(Path(__file__).parent / "repo", root, tables.tables(world.simulate(seed)))


def truth(seed: int = 0) -> Truth:
    """Return the chances that the generator drew from."""
    return world.simulate(seed).truth
