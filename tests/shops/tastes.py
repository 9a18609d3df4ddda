"""The planted signal of every test shop: latent clusters of queries and items, and the truth they imply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CLUSTERS = 6


def sigmoid(logit: Floats) -> Floats:
    """Return the probability of a logit."""
    return 1.0 / (1.0 + np.exp(-logit))


@dataclass(frozen=True)
class Tastes:
    """Who belongs where.

    Attributes:
        queries: each query's latent cluster, [queries].
        items: each item's latent cluster, [items].
        quality: each item's pull on everybody, standard normal, [items].
    """

    queries: Ints
    items: Ints
    quality: Floats

    def match(self, queries: Ints, items: Ints) -> Floats:
        """Return how well pairs of positions match: 1 in the same cluster, 0.3 in the next, else 0."""
        ahead = (self.items[items] - self.queries[queries]) % CLUSTERS
        return np.where(ahead == 0, 1.0, np.where(ahead == 1, 0.3, 0.0))


def draw_tastes(rng: np.random.Generator, *, queries: int, items: int) -> Tastes:
    """Draw clusters of equal size in random order, and qualities."""
    return Tastes(
        rng.permutation(np.arange(queries) % CLUSTERS),
        rng.permutation(np.arange(items) % CLUSTERS),
        rng.standard_normal(items),
    )


def choose(rng: np.random.Generator, log_weights: Floats, size: int) -> Ints:
    """Draw ``size`` different columns a row, in proportion to ``exp(log_weights)`` [rows, columns]."""
    keys = log_weights + rng.gumbel(size=log_weights.shape)
    return np.argsort(-keys, axis=1)[:, :size]


@dataclass(frozen=True)
class Truth:
    """What the generator knows and no model may read.

    Attributes:
        query_keys: the shop's keys by position.
        item_keys: the shop's keys by position.
        tastes: clusters and qualities by position.
        items_since: the time from which each item exists, microseconds since 1970, [items].
        tables: each task's chance (for a regression, its expected value) given that its condition holds,
            averaged over the context, [queries, items].
        rare: tasks whose table is a share among all items (it orders them; it is no chance of a row).
    """

    query_keys: Sequence[str | int]
    item_keys: Sequence[str | int]
    tastes: Tastes
    items_since: Ints
    tables: Mapping[str, Floats]
    rare: frozenset[str] = frozenset()

    def chances(self, task: str, queries: Sequence[object], items: Sequence[object]) -> Floats:
        """Return the oracle's answer for pairs of keys, [rows]."""
        of_query = {key: n for n, key in enumerate(self.query_keys)}
        of_item = {key: n for n, key in enumerate(self.item_keys)}
        rows = [of_query[key] for key in queries]  # type: ignore[index]
        columns = [of_item[key] for key in items]  # type: ignore[index]
        return self.tables[task][rows, columns]

    def best(self, task: str, query: str | int, k: int) -> list[str | int]:
        """Return the ``k`` items that are truly best for a query, best first."""
        row = self.tables[task][list(self.query_keys).index(query)]
        return [self.item_keys[n] for n in np.argsort(-row)[:k]]
