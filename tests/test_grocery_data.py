"""The sample data's rules, on a handful of lines."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from examples.grocery_data import write_tables

_START = datetime(2017, 3, 1, 12)


def _line(basket: int, product: int, days: float, **changed: Any) -> dict[str, Any]:
    line = {
        "household_id": 1,
        "store_id": 9,
        "basket_id": basket,
        "product_id": product,
        "quantity": 1,
        "sales_value": 2.0,
        "retail_disc": 0.0,
        "coupon_disc": 0.0,
        "coupon_match_disc": 0.0,
        "transaction_timestamp": _START + timedelta(days=days),
    }
    return line | changed


def _product(number: int, department: str = "GROCERY", size: str | None = None) -> dict[str, Any]:
    return {
        "product_id": number,
        "manufacturer_id": 5,
        "department": department,
        "brand": "National",
        "product_category": "CHEESE",
        "product_type": None,
        "package_size": size,
    }


_LINES = [
    _line(1, 10, 0),
    _line(1, 10, 0, quantity=2, sales_value=4.0, coupon_disc=0.5),
    _line(2, 10, 28),
    _line(3, 10, 57),
    _line(4, 10, 57),
    _line(5, 11, 60, quantity=0),
    _line(6, 12, 61, sales_value=0.0),
    _line(7, 20, 61),
    _line(8, 99, 61),
    _line(9, 11, 90),
]
_PRODUCTS = [_product(10, size=" EX   16 OZ"), _product(11), _product(12), _product(13), _product(20, "FUEL")]
_DEMOGRAPHICS = {
    name: ["1"]
    for name in [
        "household_id",
        "age",
        "income",
        "home_ownership",
        "marital_status",
        "household_size",
        "household_comp",
        "kids_count",
    ]
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("grocery") / "data"
    raw = {
        "transactions": pd.DataFrame(_LINES),
        "products": pd.DataFrame(_PRODUCTS),
        "demographics": pd.DataFrame(_DEMOGRAPHICS),
    }
    assert write_tables(raw, out) == {"purchases": 6, "products": 4, "households": 1}
    return out


def _purchases(out: Path) -> dict[int, dict[str, Any]]:
    return {row["basket_id"]: row for row in pq.read_table(out / "purchases.parquet").to_pylist()}


def test_lines_of_one_household_product_and_basket_become_one(written: Path) -> None:
    row = _purchases(written)[1]
    assert (row["quantity"], row["sales_value"], row["unit_price"], row["on_discount"]) == (3, 6.0, 2.0, True)


def test_fuel_worthless_lines_and_products_without_a_master_are_dropped(written: Path) -> None:
    assert set(_purchases(written)) == {1, 2, 3, 4, 5, 9}


def test_repurchase_is_the_same_product_within_28_days_in_a_later_basket(written: Path) -> None:
    found = {basket: row["repurchased"] for basket, row in _purchases(written).items()}
    # 28 days later to the moment counts; 29 do not; baskets of the same moment do not see each other.
    assert found == {1: True, 2: False, 3: False, 4: False, 5: False, 9: None}


def test_bought_before_looks_at_the_past_alone(written: Path) -> None:
    found = {basket: row["bought_before"] for basket, row in _purchases(written).items()}
    assert found == {1: False, 2: True, 3: True, 4: True, 5: False, 9: True}


def test_times_are_utc_in_microseconds(written: Path) -> None:
    for name in ("purchases", "products", "households"):
        field = pq.read_schema(written / f"{name}.parquet").field("event_timestamp")
        assert str(field.type) == "timestamp[us, tz=UTC]"
    assert _purchases(written)[1]["event_timestamp"] == _START.replace(tzinfo=timezone.utc)


def test_products_that_nobody_bought_stay_and_sizes_are_tidied(written: Path) -> None:
    rows = {row["product_id"]: row for row in pq.read_table(written / "products.parquet").to_pylist()}
    assert set(rows) == {10, 11, 12, 13}
    assert (rows[10]["package_size"], rows[11]["package_size"]) == ("ex 16 oz", None)


def test_nothing_but_whole_files_is_left(written: Path) -> None:
    assert {path.name for path in written.iterdir()} == {
        "purchases.parquet",
        "products.parquet",
        "households.parquet",
    }
