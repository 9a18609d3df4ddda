"""Who watches, and what is shown."""

from feast import Entity, ValueType

member = Entity(name="member", join_keys=["member_code"], value_type=ValueType.STRING)
film = Entity(name="film", join_keys=["film_no"], value_type=ValueType.INT64)
