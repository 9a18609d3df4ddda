"""More than one shop: small, made by seeded generators, each with a planted signal that models must find.

A shop's module gives ``build(root, seed=0)``, which writes a Feast repo (data, definitions, recommender.yaml)
and returns its path without applying it, and ``truth(seed=0)``, what the generator knows. Apply in a process
of its own: a repo's package stays in ``sys.modules``, so a second build in one process would find the first.
"""

from collections.abc import Callable
from pathlib import Path

from tests.shops import bazaar, cinema
from tests.shops.tastes import Truth

SHOPS: dict[str, Callable[..., Path]] = {"bazaar": bazaar.build, "cinema": cinema.build}
TRUTHS: dict[str, Callable[..., Truth]] = {"bazaar": bazaar.truth, "cinema": cinema.truth}

__all__ = ["SHOPS", "TRUTHS", "Truth", "bazaar", "cinema"]
