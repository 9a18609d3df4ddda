"""What happens in the cinema: who is shown which films, and what comes of it."""

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

MEMBERS, NEW_MEMBERS = 340, 20
FILMS, NEW_FILMS = 220, 15
VISITS, SLATE = 3_600, 6
DEVICES = ("phone", "desktop", "tv")
_DEVICE_PULL = np.array([0.4, 0.0, -0.6])
_DEVICE_SHARE = np.array([0.5, 0.35, 0.15])


@dataclass(frozen=True)
class Cinema:
    """All that was drawn; positions stand for members and films.

    Attributes:
        since: the moment each member joined, microseconds, [members].
        subscribed: whether a member reads the newsletter, which drives orders, [members].
        price: each film's ticket price, which drives carts, [films].
        family: whether a film draws families, who buy more tickets, [films].
        member, film, time, device: one impression a row, [impressions].
        outcomes: click, cart, order (0/1) and revenue (0 without an order), [impressions] each.
    """

    seed: int
    truth: Truth
    since: Ints
    subscribed: NDArray[np.bool_]
    price: Floats
    family: NDArray[np.bool_]
    member: Ints
    film: Ints
    time: Ints
    device: Ints
    outcomes: dict[str, Floats]


@lru_cache(maxsize=4)
def simulate(seed: int) -> Cinema:
    """Draw one cinema."""
    rng = np.random.default_rng(seed)
    tastes = draw_tastes(rng, queries=MEMBERS, items=FILMS)
    since, released = _since(rng, MEMBERS, NEW_MEMBERS), _since(rng, FILMS, NEW_FILMS)
    subscribed, family = rng.random(MEMBERS) < 0.4, rng.random(FILMS) < 0.35
    price = np.round(8.0 + 4.0 * rng.standard_normal(FILMS).clip(-1.5, 2.5), 2)
    tables = _tables(tastes, subscribed, price, family)
    member, film, time = _impressions(rng, tastes, since, released)
    device = np.repeat(rng.choice(len(DEVICES), size=VISITS, p=_DEVICE_SHARE), SLATE)
    outcomes = _outcomes(rng, tables, tastes, member, film, device)
    known = Truth(_member_codes(), _film_numbers(rng), tastes, released, tables)
    return Cinema(seed, known, since, subscribed, price, family, member, film, time, device, outcomes)


def _member_codes() -> list[str]:
    """Strings, of which half look like numbers and half hold what is not ASCII."""
    return [f"{n:06d}" if n % 2 else f"mé-{n}" for n in range(MEMBERS)]


def _film_numbers(rng: np.random.Generator) -> list[int]:
    """Odd numbers above 2^53: as float64, each would turn into another."""
    return [int(2**53 + 1 + 2 * n) for n in rng.permutation(FILMS)]


def _since(rng: np.random.Generator, size: int, new: int) -> Ints:
    """The last ``new`` appear in the test window, a quarter during training, the rest were there before."""
    start, test, end = micros(START), micros(TEST), micros(END)
    before = np.full(size, start - 30 * DAY)
    during = rng.integers(start, micros(VALIDATION), size)
    late = rng.integers(test, end - 5 * DAY, size)
    drawn = np.where(rng.random(size) < 0.25, during, before)
    return np.where(np.arange(size) >= size - new, late, drawn)


def _click_logit(tastes: Tastes, queries: Ints, items: Ints) -> Floats:
    return -2.8 + 3.5 * tastes.match(queries, items) + 0.35 * tastes.quality[items]


def _tables(
    tastes: Tastes, subscribed: NDArray[np.bool_], price: Floats, family: NDArray[np.bool_]
) -> dict[str, Floats]:
    members, films = np.meshgrid(np.arange(MEMBERS), np.arange(FILMS), indexing="ij")
    match = tastes.match(members, films)
    click = sum(
        share * sigmoid(_click_logit(tastes, members, films) + pull)
        for share, pull in zip(_DEVICE_SHARE, _DEVICE_PULL, strict=True)
    )
    cart = sigmoid(0.2 + 0.8 * match - 0.4 * (price[films] - 8.0))
    order = sigmoid(-0.8 + 0.6 * match + 2.0 * subscribed[members])
    revenue = price[films] * (1.0 + np.where(family[films], 2.0, 0.4))
    return {"click": np.asarray(click), "cart": cart, "order": order, "revenue": revenue}


def _impressions(
    rng: np.random.Generator, tastes: Tastes, since: Ints, released: Ints
) -> tuple[Ints, Ints, Ints]:
    """Each visit shows a slate at one moment: half by popularity, half by chance, of films that are out."""
    keen = rng.gamma(2.0, size=MEMBERS)
    visitor = rng.choice(MEMBERS, size=VISITS, p=keen / keen.sum())
    earliest = np.maximum(since[visitor], micros(START))
    time = earliest + (rng.random(VISITS) * (micros(END) - earliest)).astype(np.int64)
    pull = np.where(rng.random((VISITS, 1)) < 0.5, 0.6 * tastes.quality[None, :], 0.0)
    weights = np.where(released[None, :] <= time[:, None], pull, -np.inf)
    films = choose(rng, weights, SLATE)
    order = np.argsort(time, kind="stable")
    return np.repeat(visitor[order], SLATE), films[order].ravel(), np.repeat(time[order], SLATE)


def _outcomes(
    rng: np.random.Generator,
    tables: dict[str, Floats],
    tastes: Tastes,
    member: Ints,
    film: Ints,
    device: Ints,
) -> dict[str, Floats]:
    click = rng.random(len(member)) < sigmoid(_click_logit(tastes, member, film) + _DEVICE_PULL[device])
    cart = click & (rng.random(len(member)) < tables["cart"][member, film])
    order = cart & (rng.random(len(member)) < tables["order"][member, film])
    noise = np.exp(0.2 * rng.standard_normal(len(member)) - 0.02)
    revenue = np.where(order, np.round(tables["revenue"][member, film] * noise, 2), 0.0)
    return {"click": click * 1.0, "cart": cart * 1.0, "order": order * 1.0, "revenue": revenue}
