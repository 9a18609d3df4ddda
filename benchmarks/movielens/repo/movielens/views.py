"""The feature views; the fields of the behaviour views are declared in recommender.yaml."""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource
from feast.types import Array, Bool, FeastType, Float32, Int64, String

from .entities import movie, viewer
from .sources import (
    movie_behaviour_source,
    movies_source,
    ratings_source,
    viewer_behaviour_source,
    viewers_source,
)

_TTL = timedelta(days=7300)


def _view(name: str, entities: list[Entity], source: FileSource, fields: dict[str, FeastType]) -> FeatureView:
    schema = [Field(name=field, dtype=dtype) for field, dtype in fields.items()]
    return FeatureView(name=name, entities=entities, ttl=_TTL, schema=schema, source=source)


ratings = _view("ratings", [viewer, movie], ratings_source, {"rated": Bool, "rating": Float32})
viewer_profile = _view(
    "viewer_profile", [viewer], viewers_source, {"age": Int64, "gender": String, "occupation": String}
)
viewer_behaviour = _view(
    "viewer_behaviour",
    [viewer],
    viewer_behaviour_source,
    {
        "ratings_so_far": Int64,
        "mean_rating": Float32,
        "last_movies": Array(Int64),
        "last_movie_ages": Array(Float32),
    },
)
movie_facts = _view(
    "movie_facts", [movie], movies_source, {"title": String, "year": Int64, "genres": Array(String)}
)
movie_behaviour = _view(
    "movie_behaviour", [movie], movie_behaviour_source, {"raters": Int64, "movie_mean": Float32}
)
