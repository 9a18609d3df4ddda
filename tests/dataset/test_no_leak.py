"""Nothing of a row's future reaches the row: what is planted there changes not one number of the input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.dataset import stall
from tests.dataset.stall import END, VALIDATION
from tfrs_mtl.dataset.assemble import encode_raw, gather_raw
from tfrs_mtl.dataset.frames import item_frame, query_frame
from tfrs_mtl.dataset.point_in_time import Engine
from tfrs_mtl.dataset.preprocessor import Preprocessor, fit_preprocessor
from tfrs_mtl.dataset.ranking_rows import RankingRows, ranking_rows
from tfrs_mtl.dataset.retrieval_rows import retrieval_rows
from tfrs_mtl.dataset.shop import Shop

Tables = dict[str, Sequence[dict[str, Any]]]
_LATER = VALIDATION + 0.5


def _past() -> Tables:
    """A world that ends with the training window, bar one event in each of the windows after it."""
    random = np.random.default_rng(0)
    users = [_user(u, day, age=20 + u + day, city=f"city {u % 3}") for u in range(8) for day in (0, 20, 40)]
    things = [_thing(n, day, price=n + day / 10, tag=f"tag {n % 4}") for n in range(12) for day in (0, 30)]
    events = [
        _event(int(random.integers(8)), int(random.integers(12)), float(random.uniform(1, VALIDATION)))
        for _ in range(150)
    ]
    return {"users": users, "things": things, "events": [*events, _event(0, 0, _LATER), _event(0, 1, 80)]}


def _user(user: int, day: float, *, age: int, city: str) -> dict[str, Any]:
    last = {"last": [f"thing {user}"], "last_ages": [1.0]}
    return {"user": user, "at": day, "age": age, "city": city, **last}


def _thing(thing: int, day: float, *, price: float, tag: str) -> dict[str, Any]:
    return {"thing": f"thing {thing}", "at": day, "price": price, "tags": [tag], "title": f"A {tag}"}


def _event(user: int, thing: int, day: float, shelf: str = "left") -> dict[str, Any]:
    return {
        "user": user,
        "thing": f"thing {thing}",
        "at": day,
        "bought": 1,
        "paid": 1.0 + thing,
        "shelf": shelf,
    }


def _with_future(past: Tables) -> Tables:
    """Plant after the training window: features, values never seen, events, a new user and a new thing."""
    users = [_user(u, _LATER, age=10_000, city="atlantis") for u in (*range(8), 77)]
    things = [_thing(n, _LATER, price=1e6, tag="phoenix") for n in (*range(12), 77)]
    events = [_event(u, 77, _LATER + 0.1, shelf="unicorn") for u in range(8) for _ in range(30)]
    return {
        "users": [*users, *past["users"]],
        "things": [*things, *past["things"]],
        "events": [*events, *past["events"], _event(77, 3, _LATER + 1)],
    }


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Shop]:
    """Open the world without and the one with the planted future."""
    shops = []
    for name, tables in (("past", _past()), ("future", _with_future(_past()))):
        root: Path = tmp_path_factory.mktemp(name)
        stall.write_repo(root, tables)
        shops.append(stall.open_stall(root))
    return shops[0], shops[1]


def _training(shop: Shop) -> tuple[RankingRows, Preprocessor, dict[str, np.ndarray]]:
    rows = ranking_rows(shop, shop.windows.train, seed=3)
    raw = gather_raw(shop, rows.queries, rows.items, rows.times, context=rows.context)
    assert raw.pairs is not None
    met = shop.windows.train.of(shop.interactions)
    preprocessor = fit_preprocessor(
        shop.schema, raw.queries, raw.items, raw.pairs, met_queries=met.queries, met_items=met.items
    )
    examples = encode_raw(preprocessor, raw, rows.labels)
    return rows, preprocessor, examples.gather(0, len(rows))


def test_the_planted_future_changes_no_row_label_or_input_of_training(worlds: tuple[Shop, Shop]) -> None:
    (rows, _, arrays), (rows_after, _, arrays_after) = map(_training, worlds)
    assert len(rows) > 300
    np.testing.assert_array_equal(rows.items, rows_after.items)
    np.testing.assert_array_equal(rows.times, rows_after.times)
    for task, labels in rows.labels.items():
        np.testing.assert_array_equal(labels, rows_after.labels[task])
    assert arrays.keys() == arrays_after.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, arrays_after[name])


def test_vocabularies_edges_and_statistics_know_nothing_of_it(worlds: tuple[Shop, Shop]) -> None:
    (_, before, _), (_, after, _) = map(_training, worlds)
    text = json.dumps(after.to_dict())
    assert json.dumps(before.to_dict()) == text
    for planted in ("atlantis", "phoenix", "unicorn", "thing 77", "1000000.0"):
        assert planted not in text
    assert "city 1" in text


def test_retrievals_pairs_and_their_log_probabilities_are_of_the_training_window(
    worlds: tuple[Shop, Shop],
) -> None:
    before, after = (retrieval_rows(shop, shop.windows.train, seed=0) for shop in worlds)
    np.testing.assert_array_equal(before.items, after.items)
    np.testing.assert_array_equal(before.log_probability, after.log_probability)


@pytest.mark.parametrize("engine", ["asof", "feast"])
def test_a_row_sees_the_features_of_its_time_by_either_engine(
    worlds: tuple[Shop, Shop], engine: Engine
) -> None:
    days = np.array([0, 19.999, 20, 39, 45, 60, 60.4, 60.5, 70])
    times = stall.START + np.round(days * stall.DAY).astype(np.int64)
    users, things = pa.array([3] * len(days)), pa.array(["thing 3"] * len(days))
    _, shop = worlds
    seen = query_frame(shop.repo, shop.schema, users, times, engine=engine).columns
    assert seen["users__age"].to_pylist() == [23, 23, 43, 43, 63, 63, 63, 10_000, 10_000]
    assert seen["users__city"].to_pylist() == ["city 0"] * 7 + ["atlantis"] * 2
    sold = item_frame(shop.repo, shop.schema, things, times, engine=engine).columns
    assert sold["things__price"].to_pylist() == [3, 3, 3, 6, 6, 6, 6, 1e6, 1e6]


def test_the_planted_future_is_there_to_be_seen_after_its_time(worlds: tuple[Shop, Shop]) -> None:
    _, shop = worlds
    _, preprocessor, _ = _training(shop)
    rows = ranking_rows(shop, shop.windows.validation, seed=3)
    raw = gather_raw(shop, rows.queries, rows.items, rows.times, context=rows.context)
    arrays = encode_raw(preprocessor, raw, rows.labels).gather(0, len(rows))
    assert "atlantis" in raw.queries.columns["users__city"].to_pylist()
    assert (arrays["users__city"] == 1).any()
    assert (arrays["events__shelf"] == 1).any()
    assert shop.windows.test.end == stall.START + END * stall.DAY
