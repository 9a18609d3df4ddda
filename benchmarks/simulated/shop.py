"""A shop whose chances are known: click, cart given a click, purchase given a cart, of queries and items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl import spec
from tfrs_mtl.dataset.examples import Block, Examples, ModelInput

Floats = NDArray[np.float64]

TASKS = (
    spec.Task(name="click", kind="binary", label="clicked"),
    spec.Task(name="cart", kind="binary", label="carted", when="click"),
    spec.Task(name="buy", kind="binary", label="bought", when="cart"),
)
QUERIES, ITEMS, HIDDEN, SEEN, DIM = 1500, 600, 6, 8, 8
INPUTS = (
    ModelInput("query", "category", QUERIES + 2, "query", DIM),
    ModelInput("item", "category", ITEMS + 2, "item", DIM),
    ModelInput("context", "dense", SEEN),
)
BASES = {"click": -2.0, "cart": -1.0, "buy": -0.5}
SCALE = 1.5
WAVES = ((1.0, 0.5), (2.0, 1.0))
"""The sines' frequencies and phases."""


@dataclass(frozen=True)
class Rows:
    """Impressions, what came of them, and what might have.

    Attributes:
        features: what a model is fed, by name.
        chances: task -> its true chance given its ``when``, of every impression [n].
        outcomes: task -> 0 or 1 [n]: what comes of it wherever its ``when`` comes true. No shop sees all.
    """

    features: Mapping[str, NDArray[np.generic]]
    chances: Mapping[str, Floats]
    outcomes: Mapping[str, Floats]

    @property
    def labels(self) -> dict[str, NDArray[np.float32]]:
        """What the shop sees: an outcome where all before it came true, else NaN."""
        seen, came = {}, np.ones(len(self.outcomes["click"]), bool)
        for task in TASKS:
            seen[task.name] = np.where(came, self.outcomes[task.name], np.nan).astype(np.float32)
            came &= self.outcomes[task.name] == 1
        return seen

    @property
    def examples(self) -> Examples:
        """What ``training.fit`` takes."""
        return Examples((Block(self.features),), len(self.outcomes["click"]), self.labels)


def impressions(correlation: float, *, sizes: tuple[int, ...], seed: int) -> list[Rows]:
    """Draw so many impressions each, of one shop.

    The synthetic recipe of MMoE's paper (Ma et al., KDD 2018): tasks weigh the same z, each by a unit vector
    of its own, and any two vectors have the correlation c:

        w_k = sqrt(c) u_0 + sqrt(1 - c) u_k;  s_k = w_k'z + sum_i sin(a_i w_k'z + b_i), standardised
        P(k | all before k) = sigmoid(base_k + scale s_k)

    z: of the query and of the item, which a model knows by their ids alone, and of the context, which it is
    given. The more the tasks have in common, the more the clicked differ from the others in what they buy.
    """
    rng = np.random.default_rng([seed, 1])
    width = 2 * HIDDEN + SEEN
    directions = np.linalg.qr(rng.normal(size=(width, len(TASKS) + 1)))[0].T
    of_query, of_item = rng.normal(size=(QUERIES, HIDDEN)), rng.normal(size=(ITEMS, HIDDEN))
    weights = np.sqrt(correlation) * directions[0] + np.sqrt(1 - correlation) * directions[1:]
    popularity = 1 / np.arange(1, ITEMS + 1) ** 0.7
    found = []
    for size in sizes:
        query = rng.integers(0, QUERIES, size)
        item = rng.choice(ITEMS, size, p=popularity / popularity.sum())
        context = rng.normal(size=(size, SEEN))
        z = np.hstack([of_query[query], of_item[item], context])
        chances = {
            task.name: _chance(z @ w, BASES[task.name]) for task, w in zip(TASKS, weights, strict=True)
        }
        outcomes = {name: (rng.uniform(size=size) < p).astype(float) for name, p in chances.items()}
        features = {
            "query": (query + 2).astype(np.int32),
            "item": (item + 2).astype(np.int32),
            "context": context.astype(np.float32),
        }
        found.append(Rows(features, chances, outcomes))
    return found


def _chance(score: Floats, base: float) -> Floats:
    score = score + sum(np.sin(frequency * score + phase) for frequency, phase in WAVES)
    return 1 / (1 + np.exp(-base - SCALE * (score - score.mean()) / score.std()))
