"""What the cinema's databases hold of it: clusters show through attributes, with noise and gaps."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tests.shops.cinema.world import END, FILMS, MEMBERS, START, Cinema
from tests.shops.files import DAY, maybe, micros, moments
from tests.shops.tastes import CLUSTERS, Ints

GENRES = ("drama", "comedy", "science fiction", "thriller", "documentary", "animation")
_WORDS = (
    "love loss family letter rain",
    "wedding laugh neighbour mistake party",
    "planet robot ship signal colony",
    "murder chase detective knife night",
    "river archive witness climate strike",
    "dragon forest puppet moon song",
)
_FILLERS = ["a", "the", "one", "day", "again", "story", "of", "and", "with"]


def tables(cinema: Cinema) -> dict[str, pa.Table]:
    """Return the parquet tables by file name."""
    rng = np.random.default_rng((cinema.seed, 1))
    return {
        "impressions": _impressions(cinema),
        "members": _members(cinema, rng),
        "films": _films(cinema, rng),
        "film_status": _film_status(cinema, rng),
    }


def _impressions(cinema: Cinema) -> pa.Table:
    truth, made = cinema.truth, cinema.outcomes
    ordered = made["order"] > 0
    return pa.table(
        {
            "member id": pa.array([truth.query_keys[n] for n in cinema.member]),
            "film_no": pa.array([truth.item_keys[n] for n in cinema.film], type=pa.int64()),
            "shown_at": moments(cinema.time),
            "logged_at": moments(cinema.time + 2_000_000),
            "clicked": pa.array(made["click"].astype(np.int64)),
            "cart": pa.array(made["cart"].astype(np.int64)),
            "order": pa.array(ordered),
            "revenue": maybe(made["revenue"], ~ordered, pa.float64()),
            "device": maybe(
                [("phone", "desktop", "tv")[n] for n in cinema.device],
                np.arange(len(cinema.device)) % 19 == 0,
            ),
        }
    )


def _noisy(rng: np.random.Generator, clusters: Ints, *, right: float) -> Ints:
    """Return the clusters, of which a share ``right`` is kept and the rest drawn anew."""
    anew = rng.integers(0, CLUSTERS, len(clusters))
    return np.where(rng.random(len(clusters)) < right, clusters, anew)


def _members(cinema: Cinema, rng: np.random.Generator) -> pa.Table:
    """Four members in five fill in a profile, on the day they join."""
    favourite = _noisy(rng, cinema.truth.tastes.queries, right=0.7)
    table = pa.table(
        {
            "member_code": pa.array(list(cinema.truth.query_keys)),
            "since": moments(cinema.since),
            "favourite genre": maybe([GENRES[n] for n in favourite], rng.random(MEMBERS) < 0.15),
            "newsletter": pa.array(cinema.subscribed),
            "birth_year": maybe(rng.integers(1940, 2008, MEMBERS), rng.random(MEMBERS) < 0.1, pa.int64()),
            "joined": moments(cinema.since),
        }
    )
    return table.filter(pa.array(rng.random(MEMBERS) < 0.8))


def _films(cinema: Cinema, rng: np.random.Generator) -> pa.Table:
    """Films become known when they come out; some lack a genre, a mood, a text."""
    clusters = cinema.truth.tastes.items
    genre = _noisy(rng, clusters, right=0.85)
    return pa.table(
        {
            "film_no": pa.array(list(cinema.truth.item_keys), type=pa.int64()),
            "known_since": moments(cinema.truth.items_since),
            "genre": maybe([GENRES[n] for n in genre], rng.random(FILMS) < 0.05),
            "group": pa.array([f"studio {n % 9}" for n in rng.integers(0, 40, FILMS)]),
            "run time": maybe(rng.integers(70, 190, FILMS), rng.random(FILMS) < 0.1, pa.int64()),
            "family": pa.array(cinema.family),
            "released": moments(cinema.truth.items_since - rng.integers(0, 900, FILMS) * DAY),
            "moods": maybe(_moods(rng, clusters), rng.random(FILMS) < 0.05, pa.list_(pa.string())),
            "synopsis": maybe(_synopses(rng, clusters), rng.random(FILMS) < 0.05),
        }
    )


def _moods(rng: np.random.Generator, clusters: Ints) -> list[list[str]]:
    """None to three words a film, mostly of its cluster; an empty list is not a null."""
    sizes = rng.integers(0, 4, len(clusters))
    return [
        [f"mood {m}" for m in np.unique(_noisy(rng, np.full(size, cluster), right=0.8))]
        for size, cluster in zip(sizes, clusters, strict=True)
    ]


def _synopses(rng: np.random.Generator, clusters: Ints) -> list[str]:
    return [
        " ".join(rng.permutation([*rng.choice(_WORDS[c].split(), 3), *rng.choice(_FILLERS, 5)])).capitalize()
        + "."
        for c in clusters
    ]


def _film_status(cinema: Cinema, rng: np.random.Generator) -> pa.Table:
    """A version a month while a film is out, TTL 40 days: a film in seven is no longer kept up.

    One version in ten is corrected an hour later, for the same moment: the later writing counts.
    """
    rows: list[tuple[int, int, int, float, int]] = []
    for film, (key, out) in enumerate(zip(cinema.truth.item_keys, cinema.truth.items_since, strict=True)):
        last = micros(START) + 45 * DAY if film % 7 == 0 else micros(END)
        for moment in range(max(int(out), micros(START) - 20 * DAY), last, 30 * DAY):
            price, screens = float(cinema.price[film]), int(rng.integers(1, 30))
            wrong = rng.random() < 0.1
            rows.append((int(key), moment, moment, price * 10 if wrong else price, screens))
            if wrong:
                rows.append((int(key), moment, moment + 3_600_000_000, price, screens))
    film_no, valid, written, prices, halls = (np.array(column) for column in zip(*rows, strict=True))
    return pa.table(
        {
            "film_no": pa.array(film_no, type=pa.int64()),
            "valid_from": moments(valid),
            "written_at": moments(written),
            "price": pa.array(prices, type=pa.float32()),
            "screens": pa.array(halls, type=pa.int64()),
        }
    )
