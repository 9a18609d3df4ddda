"""The feature views: what is known of households and products, and the interactions themselves.

The fields of the behaviour views are declared in recommender.yaml, under ``behaviour``.
"""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, PushSource
from feast.types import Array, Bool, FeastType, Float32, Float64, Int64, String

from .entities import household, product
from .sources import (
    household_behaviour_push,
    household_categories_source,
    household_products_source,
    households_source,
    product_behaviour_source,
    products_source,
    purchases_source,
)

# Twenty years: `feast materialize-incremental` starts at now - ttl, and the sample is of 2017. A live shop
# takes the age at which a feature is no longer worth reading: whole days, as duckdb refuses 36 hours.
_TTL = timedelta(days=7300)


def _view(
    name: str, entity: Entity, source: FileSource | PushSource, fields: dict[str, FeastType]
) -> FeatureView:
    schema = [Field(name=field, dtype=dtype) for field, dtype in fields.items()]
    return FeatureView(name=name, entities=[entity], ttl=_TTL, schema=schema, source=source)


household_profile = _view(
    "household_profile",
    household,
    households_source,
    {
        "age": String,
        "income": String,
        "home_ownership": String,
        "marital_status": String,
        "household_size": String,
        "household_comp": String,
        "kids_count": String,
    },
)

household_behaviour = _view(
    "household_behaviour",
    household,
    household_behaviour_push,
    {
        "lines_7d": Int64,
        "lines_28d": Int64,
        "lines_91d": Int64,
        "baskets_28d": Int64,
        "baskets_91d": Int64,
        "spend_28d": Float32,
        "spend_91d": Float32,
        "products_91d": Int64,
        "stores_91d": Int64,
        "line_value_91d": Float32,
        "discount_rate_91d": Float32,
        "repeat_rate_91d": Float32,
        "days_since_visit": Float32,
        "last_products": Array(Int64),
        "last_product_ages": Array(Float32),
    },
)

# A pair view: parallel arrays, the first holds the keys that the candidate's own value is looked up in.
household_categories = _view(
    "household_categories",
    household,
    household_categories_source,
    {
        "product_category": Array(String),
        "category_lines_28d": Array(Int64),
        "category_lines_91d": Array(Int64),
        "category_lines_364d": Array(Int64),
        "category_spend_91d": Array(Float32),
        "category_recency": Array(Float32),
    },
)

household_products = _view(
    "household_products",
    household,
    household_products_source,
    {
        "product_id": Array(Int64),
        "product_lines_28d": Array(Int64),
        "product_lines_91d": Array(Int64),
        "product_lines_364d": Array(Int64),
        "product_recency": Array(Float32),
    },
)

product_attributes = _view(
    "product_attributes",
    product,
    products_source,
    {
        "department": String,
        "brand": String,
        "product_category": String,
        "product_type": String,
        "manufacturer_id": Int64,
        "package_size": String,
    },
)

product_behaviour = _view(
    "product_behaviour",
    product,
    product_behaviour_source,
    {
        "sold_7d": Int64,
        "sold_28d": Int64,
        "sold_91d": Int64,
        "households_28d": Int64,
        "popularity_28d": Float64,
        "price_91d": Float32,
        "product_discount_rate_28d": Float32,
        "product_repeat_rate_91d": Float32,
        "days_since_sold": Float32,
    },
)

# The interactions: read for training, never served, so it stays out of the online store.
purchases = FeatureView(
    name="purchases",
    entities=[household, product],
    ttl=_TTL,
    schema=[
        Field(name="basket_id", dtype=Int64),
        Field(name="store_id", dtype=Int64),
        Field(name="quantity", dtype=Int64),
        Field(name="sales_value", dtype=Float64),
        Field(name="unit_price", dtype=Float64),
        Field(name="on_discount", dtype=Bool),
        Field(name="purchased", dtype=Bool),
        Field(name="bought_before", dtype=Bool),
        Field(name="repurchased", dtype=Bool),
    ],
    source=purchases_source,
    online=False,
)
