"""The bazaar: sessions (int keys) order articles (string keys); only orders are logged.

A query without a feature service: all that is known of a session is its id and what a request brings along.
Negatives must be sampled. Every row is an order; keeping it is known a fortnight later.
"""

from __future__ import annotations

from pathlib import Path

from tests.shops.bazaar import tables, world
from tests.shops.bazaar.world import END, START, TEST, VALIDATION
from tests.shops.files import write_repo
from tests.shops.tastes import Truth

__all__ = ["END", "START", "TEST", "VALIDATION", "build", "truth"]


def build(root: Path, *, seed: int = 0) -> Path:
    """Write the shop's repo into ``root`` (made where missing) and return its path; nothing is applied."""
    return write_repo(Path(__file__).parent / "repo", root, tables.tables(world.simulate(seed)))


def truth(seed: int = 0) -> Truth:
    """Return the chances that the generator drew from."""
    return world.simulate(seed).truth
