"""A shop's interactions with everybody coded: what every training and evaluation starts from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.dataset.interactions import Interactions, moments, read_interactions
from tfrs_mtl.dataset.negatives import Past
from tfrs_mtl.dataset.population import Population, read_population
from tfrs_mtl.dataset.present import present_of
from tfrs_mtl.dataset.windows import Windows, split_windows
from tfrs_mtl.schema import Schema
from tfrs_mtl.store import FeatureRepo

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Shop:
    """All that happened, and all who were there.

    Attributes:
        queries, items: everybody known, coded in the order in which they became known.
    """

    repo: FeatureRepo
    schema: Schema
    interactions: Interactions
    queries: Population
    items: Population
    windows: Windows

    @cached_property
    def query_codes(self) -> Ints:
        """The query of each interaction, [n]."""
        return self.queries.codes(self.interactions.queries)

    @cached_property
    def item_codes(self) -> Ints:
        """The item of each interaction, [n]."""
        return self.items.codes(self.interactions.items)

    @cached_property
    def is_positive(self) -> NDArray[np.bool_]:
        """Whether each interaction is one that retrieval is to find, [n]."""
        return self.interactions.labels[self.schema.spec.positives.label] > 0

    @cached_property
    def past(self) -> Past:
        """The positive interactions, as negatives are drawn from them."""
        kept = np.flatnonzero(self.is_positive)
        return Past(
            self.query_codes[kept], self.item_codes[kept], self.interactions.times[kept], self.items.since
        )

    def exposure(self, at: int) -> NDArray[np.float32] | None:
        """Return how many sampled negatives a positive at a moment meets per item known by then, [known].

        None where the shop logs impressions, or where negatives are drawn from the query's own past alone.
        Those of the own past, if asked for beside others, are not counted.
        """
        negatives = self.schema.spec.ranking.negatives
        if negatives is None or negatives.popular + negatives.uniform == 0:
            return None
        known = self.items.known(at)
        met = np.bincount(self.past.items[self.past.times < at], minlength=known)[:known]
        popular = negatives.popular * met / max(int(met.sum()), 1)
        return (popular + negatives.uniform / max(known, 1)).astype(np.float32)

    def present(self, now: datetime) -> datetime:
        """Return the moment as of which all interactions so far are in some snapshot, at most ``now``."""
        last = moments(self.interactions.times[-1:])[0].as_py()
        return present_of(self.schema, last, now=now)


def open_shop(repo: FeatureRepo, schema: Schema) -> Shop:
    """Read a shop's interactions and population."""
    interactions = read_interactions(repo, schema)
    queries = read_population(repo, schema, schema.query, interactions)
    items = read_population(repo, schema, schema.item, interactions)
    return Shop(repo, schema, interactions, queries, items, split_windows(schema.spec.split, interactions))
