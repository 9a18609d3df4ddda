"""What happens in the bazaar: which session orders which article, and whether it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tests.shops.files import DAY, micros
from tests.shops.tastes import Floats, Ints, Tastes, Truth, choose, draw_tastes, sigmoid

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
VALIDATION = datetime(2024, 4, 1, tzinfo=timezone.utc)
TEST = datetime(2024, 4, 11, tzinfo=timezone.utc)
END = datetime(2024, 5, 1, tzinfo=timezone.utc)

SESSIONS, NEW_SESSIONS = 320, 20
ARTICLES, NEW_ARTICLES = 180, 12
ORDERS = 16_000
FORTNIGHT = 14 * DAY


@dataclass(frozen=True)
class Bazaar:
    """All that was drawn; positions stand for sessions and articles.

    Attributes:
        giftable: whether an article makes a present, [articles].
        fragile: whether an article breaks, and so goes back, [articles].
        session, article, time: one order a row, [orders].
        gift, kept: whether it was a present, whether it was kept, [orders].
        stars: the rating that the buyer would give, 1 to 5, [orders].
    """

    seed: int
    truth: Truth
    giftable: NDArray[np.bool_]
    fragile: NDArray[np.bool_]
    session: Ints
    article: Ints
    time: Ints
    gift: NDArray[np.bool_]
    kept: NDArray[np.bool_]
    stars: Floats


@lru_cache(maxsize=4)
def simulate(seed: int) -> Bazaar:
    """Draw one bazaar."""
    rng = np.random.default_rng((seed, 2))
    tastes = draw_tastes(rng, queries=SESSIONS, items=ARTICLES)
    since, listed = _since(rng, SESSIONS, NEW_SESSIONS), _since(rng, ARTICLES, NEW_ARTICLES)
    giftable, fragile = rng.random(ARTICLES) < 0.4, rng.random(ARTICLES) < 0.3
    tables = _tables(tastes, giftable, fragile)
    session, article, time = _orders(rng, tables["order"], since, listed)
    gift = rng.random(ORDERS) < tables["gift"][session, article]
    kept = rng.random(ORDERS) < tables["keep"][session, article]
    noisy = tables["rating"][session, article] + 0.5 * rng.standard_normal(ORDERS)
    known = Truth(_session_numbers(), _article_codes(), tastes, listed, tables, frozenset({"order"}))
    return Bazaar(seed, known, giftable, fragile, session, article, time, gift, kept, noisy.clip(1, 5))


def _session_numbers() -> list[int]:
    """Integers of both signs, zero among them."""
    return [7 * n - 700 for n in range(SESSIONS)]


def _article_codes() -> list[str]:
    """Strings with slashes, quotes and spaces; some look like numbers."""
    return [f"00{n}" if n % 5 == 0 else f"o'x/{n} ß" for n in range(ARTICLES)]


def _since(rng: np.random.Generator, size: int, new: int) -> Ints:
    """The last ``new`` appear in the test window, the rest were there before."""
    late = rng.integers(micros(TEST), micros(END) - 5 * DAY, size)
    return np.where(np.arange(size) >= size - new, late, micros(START) - 10 * DAY)


def _tables(tastes: Tastes, giftable: NDArray[np.bool_], fragile: NDArray[np.bool_]) -> dict[str, Floats]:
    sessions, articles = np.meshgrid(np.arange(SESSIONS), np.arange(ARTICLES), indexing="ij")
    match = tastes.match(sessions, articles)
    pull = np.exp(3.0 * match + 0.7 * tastes.quality[articles])
    return {
        "order": pull / pull.sum(axis=1, keepdims=True),
        "gift": sigmoid(-1.5 + 2.5 * giftable[articles] - 0.5 * match),
        "keep": sigmoid(0.6 + 1.2 * match - 2.0 * fragile[articles]),
        "rating": (2.6 + 1.4 * match + 0.4 * tastes.quality[articles]).clip(1, 5),
    }


def _orders(rng: np.random.Generator, share: Floats, since: Ints, listed: Ints) -> tuple[Ints, Ints, Ints]:
    keen = rng.gamma(2.0, size=SESSIONS)
    session = rng.choice(SESSIONS, size=ORDERS, p=keen / keen.sum())
    earliest = np.maximum(since[session], micros(START))
    time = earliest + (rng.random(ORDERS) * (micros(END) - earliest)).astype(np.int64)
    weights = np.where(listed[None, :] <= time[:, None], np.log(share[session]), -np.inf)
    article = choose(rng, weights, 1)[:, 0]
    order = np.argsort(time, kind="stable")
    return session[order], article[order], time[order]
