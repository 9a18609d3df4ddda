"""The parquet files behind the views.

Paths are absolute, computed from this file: Feast's duckdb store takes relative paths from the current
directory, not from the repo.
"""

from pathlib import Path

from feast import FileSource, PushSource

_DATA = Path(__file__).resolve().parents[1] / "data"


def _source(name: str) -> FileSource:
    return FileSource(name=name, path=str(_DATA / f"{name}.parquet"), timestamp_field="event_timestamp")


# Written by examples/grocery_data.py.
purchases_source = _source("purchases")
products_source = _source("products")
households_source = _source("households")

# Written by `tfrs-mtl features`, from the purchases. `feast apply` does not need them yet.
household_behaviour_source = _source("household_behaviour")
household_categories_source = _source("household_categories")
household_products_source = _source("household_products")
product_behaviour_source = _source("product_behaviour")

# What a household buys now is pushed here by `Recommender.record`; materialising goes by the file as before.
household_behaviour_push = PushSource(
    name="household_behaviour_push", batch_source=household_behaviour_source
)
