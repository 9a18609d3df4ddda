"""The feature views: of articles alone, as nothing is known of a session."""

from datetime import timedelta

from feast import FeatureView, Field
from feast.types import Bool, Float32, Float64, Int64, String

from .entities import article, session
from .sources import article_sales_source, articles_source, orders_push

_YEARS = timedelta(days=7300)

orders = FeatureView(
    name="orders",
    entities=[session, article],
    ttl=_YEARS,
    schema=[
        Field(name="ordered", dtype=Int64),
        Field(name="gift", dtype=Bool),
        Field(name="kept", dtype=Bool),
        Field(name="rating", dtype=Float32),
        Field(name="landing", dtype=String),
        Field(name="phone", dtype=Bool),
    ],
    source=orders_push,
    online=False,
)

article_facts = FeatureView(
    name="article_facts",
    entities=[article],
    ttl=_YEARS,
    schema=[
        Field(name="stall", dtype=Int64),
        Field(name="unit price", dtype=Float64),
        Field(name="giftable", dtype=Bool),
        Field(name="fragile", dtype=Bool),
        Field(name="select", dtype=String),
        Field(name="title", dtype=String),
    ],
    source=articles_source,
)

article_sales = FeatureView(
    name="article_sales",
    entities=[article],
    ttl=timedelta(days=14),
    schema=[
        Field(name="orders_28d", dtype=Int64),
        Field(name="sessions_28d", dtype=Int64),
        Field(name="share", dtype=Float64),
        Field(name="gift_rate", dtype=Float32),
        Field(name="mean_rating", dtype=Float32),
        Field(name="recency", dtype=Float32),
    ],
    source=article_sales_source,
)
