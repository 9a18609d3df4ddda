"""The feature views, of every type that Feast carries from parquet to the online store."""

from datetime import timedelta

from feast import FeatureView, Field
from feast.types import Array, Bool, Float32, Float64, Int64, String, UnixTimestamp

from .entities import film, member
from .sources import (
    film_behaviour_source,
    film_status_source,
    films_source,
    impressions_push,
    member_behaviour_push,
    member_genres_source,
    members_source,
)

_YEARS = timedelta(days=7300)
_MONTH = timedelta(days=40)

impressions = FeatureView(
    name="impressions",
    entities=[member, film],
    ttl=_YEARS,
    schema=[
        Field(name="click", dtype=Int64),
        Field(name="cart", dtype=Int64),
        Field(name="order", dtype=Bool),
        Field(name="revenue", dtype=Float64),
        Field(name="device", dtype=String),
    ],
    source=impressions_push,
    online=False,
)

member_profile = FeatureView(
    name="member_profile",
    entities=[member],
    ttl=_YEARS,
    schema=[
        Field(name="favourite genre", dtype=String),
        Field(name="newsletter", dtype=Bool),
        Field(name="birth_year", dtype=Int64),
        Field(name="joined", dtype=UnixTimestamp),
    ],
    source=members_source,
)

member_behaviour = FeatureView(
    name="member_behaviour",
    entities=[member],
    ttl=_MONTH,
    schema=[
        Field(name="shown_28d", dtype=Int64),
        Field(name="clicks_28d", dtype=Int64),
        Field(name="click_rate", dtype=Float32),
        Field(name="cart_rate", dtype=Float32),
        Field(name="paid_91d", dtype=Float32),
        Field(name="days_since_click", dtype=Float32),
        Field(name="last_films", dtype=Array(Int64)),
        Field(name="last_film_ages", dtype=Array(Float32)),
    ],
    source=member_behaviour_push,
)

member_genres = FeatureView(
    name="member_genres",
    entities=[member],
    ttl=_MONTH,
    schema=[
        Field(name="genre", dtype=Array(String)),
        Field(name="genre_clicks", dtype=Array(Int64)),
        Field(name="genre_shown", dtype=Array(Int64)),
        Field(name="genre_recency", dtype=Array(Float32)),
    ],
    source=member_genres_source,
)

film_facts = FeatureView(
    name="film_facts",
    entities=[film],
    ttl=_YEARS,
    schema=[
        Field(name="genre", dtype=String),
        Field(name="group", dtype=String),
        Field(name="run time", dtype=Int64),
        Field(name="family", dtype=Bool),
        Field(name="released", dtype=UnixTimestamp),
        Field(name="moods", dtype=Array(String)),
        Field(name="synopsis", dtype=String),
    ],
    source=films_source,
)

film_status = FeatureView(
    name="film_status",
    entities=[film],
    ttl=_MONTH,
    schema=[Field(name="price", dtype=Float32), Field(name="screens", dtype=Int64)],
    source=film_status_source,
)

film_behaviour = FeatureView(
    name="film_behaviour",
    entities=[film],
    ttl=_MONTH,
    schema=[
        Field(name="film_shown_28d", dtype=Int64),
        Field(name="film_clicks_28d", dtype=Int64),
        Field(name="film_click_rate", dtype=Float32),
        Field(name="film_cart_rate", dtype=Float32),
        Field(name="film_share", dtype=Float64),
        Field(name="film_members", dtype=Int64),
        Field(name="mean_revenue", dtype=Float32),
    ],
    source=film_behaviour_source,
)
