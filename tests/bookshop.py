"""The data of the bookshop of docs/bring_your_own_shop.md: small, seeded, up to today."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.shops.files import DAY, micros, moments

CUSTOMERS, BOOKS, ORDERS, DAYS = 150, 80, 4_000, 200
GENRES = ("crime", "fantasy", "poetry", "history")


def write_data(folder: Path, *, now: datetime, seed: int = 0) -> None:
    """Write orders, customers and books; a customer keeps to one genre, mostly."""
    rng = np.random.default_rng(seed)
    start, end = micros(now) - DAYS * DAY, micros(now) - DAY
    genre, taste = rng.integers(0, len(GENRES), BOOKS), rng.integers(0, len(GENRES), CUSTOMERS)
    customer = rng.integers(0, CUSTOMERS, ORDERS)
    liked = (genre[None, :] == taste[customer][:, None]) * 3.0
    book = np.argmax(liked + rng.gumbel(size=(ORDERS, BOOKS)), axis=1)
    time = np.sort(rng.integers(start, end, ORDERS))
    is_young = time > micros(now - timedelta(days=14))
    kept = pa.array(rng.random(ORDERS) < 0.8, mask=is_young)
    isbn = np.array([f"978-{n:04d}" for n in range(BOOKS)])
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "orders": {
            "customer_id": customer,
            "isbn": isbn[book],
            "ordered_at": moments(time),
            "ordered": np.ones(ORDERS, bool),
            "price": (8.0 + book % 7).round(2),
            "kept": kept,
        },
        "customers": {
            "customer_id": np.arange(CUSTOMERS),
            "event_timestamp": moments(np.full(CUSTOMERS, start)),
            "country": [("pt", "nl", "is")[n % 3] for n in range(CUSTOMERS)],
        },
        "books": {
            "isbn": isbn,
            "event_timestamp": moments(np.full(BOOKS, start)),
            "title": [f"{GENRES[g]} number {n}" for n, g in enumerate(genre)],
            "genre": [GENRES[g] for g in genre],
            "author": [f"author {n % 17}" for n in range(BOOKS)],
            "pages": rng.integers(90, 900, BOOKS),
        },
    }
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
