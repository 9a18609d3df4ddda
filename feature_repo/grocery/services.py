"""What the models read: one feature service a side, named with a version of its own."""

from feast import FeatureService

from .views import (
    household_behaviour,
    household_categories,
    household_products,
    household_profile,
    product_attributes,
    product_behaviour,
)

household_v1 = FeatureService(
    name="household_v1",
    features=[household_profile, household_behaviour, household_categories, household_products],
)
product_v1 = FeatureService(name="product_v1", features=[product_attributes, product_behaviour])
