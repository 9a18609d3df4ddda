"""A bundle that the live registry contradicts is refused, with each difference named."""

from __future__ import annotations

import pytest

from tests.bundle.shop import TYPES
from tfrs_mtl.bundle import SchemaTypes, contradictions, require_agreement
from tfrs_mtl.errors import BundleError


def test_what_the_registry_has_beyond_the_bundle_is_no_contradiction() -> None:
    features = {**TYPES.query.features, "age": "Int64"}
    live = TYPES.model_copy(update={"query": TYPES.query.model_copy(update={"features": features})})
    assert contradictions(TYPES, live) == ()
    require_agreement(TYPES, live, bundle="b")


def test_every_difference_is_named_at_once() -> None:
    live = SchemaTypes(
        query=TYPES.query.model_copy(update={"dtype": "String", "features": {"visit": "Int64"}}),
        item=TYPES.item.model_copy(update={"entity": "article", "key": "article_id"}),
        context={"hour": "Float64"},
    )
    found = [str(problem) for problem in contradictions(TYPES, live)]
    assert found == [
        "query: join key household_id: the bundle was made for Int64, the registry has String",
        "query: feature visits: the bundle needs it, the registry lacks it; "
        "did you mean 'visit'? valid: visit",
        "item: entity: the bundle was made for product, the registry has article",
        "item: join key: the bundle was made for product_id, the registry has article_id",
        "context hour: the bundle was made for Int64, the registry has Float64",
    ]


def test_the_refusal_names_the_bundle_and_the_difference() -> None:
    live = TYPES.model_copy(update={"context": {}})
    with pytest.raises(
        BundleError, match=r"bundle b7 was made for another registry:\n  context hour: .*lacks it"
    ):
        require_agreement(TYPES, live, bundle="b7")
