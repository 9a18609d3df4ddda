"""Who orders, and what is ordered."""

from feast import Entity, ValueType

session = Entity(name="session", join_keys=["session_id"], value_type=ValueType.INT64)
article = Entity(name="article", join_keys=["sku"], value_type=ValueType.STRING)
