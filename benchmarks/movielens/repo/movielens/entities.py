"""Who rates, and what is rated."""

from feast import Entity, ValueType

viewer = Entity(name="viewer", join_keys=["user_id"], value_type=ValueType.INT64)
movie = Entity(name="movie", join_keys=["movie_id"], value_type=ValueType.INT64)
