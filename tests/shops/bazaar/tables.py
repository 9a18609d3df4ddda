"""What the bazaar's databases hold of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tests.shops.bazaar.world import ARTICLES, END, FORTNIGHT, ORDERS, Bazaar
from tests.shops.files import maybe, micros, moments
from tests.shops.tastes import CLUSTERS

_LANDINGS = tuple(f"/stall/{n}" for n in range(CLUSTERS))
_NOUNS = ("lamp", "rug", "kettle", "scarf", "ring", "drum")


def tables(bazaar: Bazaar) -> dict[str, pa.Table]:
    """Return the parquet tables by file name."""
    rng = np.random.default_rng((bazaar.seed, 3))
    return {"orders": _orders(bazaar, rng), "articles": _articles(bazaar, rng)}


def _orders(bazaar: Bazaar, rng: np.random.Generator) -> pa.Table:
    truth = bazaar.truth
    cluster = truth.tastes.queries[bazaar.session]
    anew = rng.integers(0, CLUSTERS, ORDERS)
    landing = np.where(rng.random(ORDERS) < 0.65, cluster, anew)
    return pa.table(
        {
            "session_id": pa.array([truth.query_keys[n] for n in bazaar.session], type=pa.int64()),
            "sku": pa.array([truth.item_keys[n] for n in bazaar.article]),
            "at": moments(bazaar.time),
            "ordered": pa.array(np.ones(ORDERS, dtype=np.int64)),
            "gift": pa.array(bazaar.gift),
            # Known a fortnight after the order, so not yet for the youngest.
            "kept": maybe(bazaar.kept, bazaar.time > micros(END) - FORTNIGHT, pa.bool_()),
            "rating": maybe(np.round(bazaar.stars, 1), rng.random(ORDERS) < 0.4, pa.float32()),
            "landing": maybe([_LANDINGS[n] for n in landing], rng.random(ORDERS) < 0.1),
            "phone": pa.array(rng.random(ORDERS) < 0.5),
        }
    )


def _articles(bazaar: Bazaar, rng: np.random.Generator) -> pa.Table:
    """The stall tells the cluster in four of five; one article in twelve has no facts at all."""
    clusters = bazaar.truth.tastes.items
    stall = np.where(rng.random(ARTICLES) < 0.75, clusters, rng.integers(0, CLUSTERS, ARTICLES))
    table = pa.table(
        {
            "sku": pa.array(list(bazaar.truth.item_keys)),
            "at": moments(bazaar.truth.items_since),
            "stall": maybe(stall, rng.random(ARTICLES) < 0.05, pa.int64()),
            "unit price": pa.array(np.round(np.exp(2 + rng.standard_normal(ARTICLES)), 2)),
            "giftable": pa.array(bazaar.giftable),
            "fragile": maybe(bazaar.fragile, rng.random(ARTICLES) < 0.05, pa.bool_()),
            "select": pa.array([f"grade {n}" for n in rng.integers(0, 4, ARTICLES)]),
            "title": pa.array(
                [f"{rng.choice(['Old', 'Fine', 'Small'])} {_NOUNS[c]}, {n}" for n, c in enumerate(stall)]
            ),
        }
    )
    return table.filter(pa.array(np.arange(ARTICLES) % 12 != 5))
