"""Who buys, and what is bought."""

from feast import Entity, ValueType

household = Entity(
    name="household",
    join_keys=["household_id"],
    value_type=ValueType.INT64,
    description="A household with a loyalty card: the query.",
)
product = Entity(
    name="product",
    join_keys=["product_id"],
    value_type=ValueType.INT64,
    description="A product of the master: the item.",
)
