"""A faulty file is read as far as it can be: as it was meant, or with holes that nobody complains of."""

from __future__ import annotations

import pytest

from tests.spec.examples import content, spoilt
from tfrs_mtl.errors import Problem
from tfrs_mtl.spec import Spec, parse_spec
from tfrs_mtl.spec.salvage import salvage


def _spec(found: object) -> Spec:
    spec = salvage(found).spec
    assert spec is not None
    return spec


def test_a_valid_file_is_read_whole() -> None:
    found = salvage(content())
    assert (found.spec, found.problems, found.holes) == (parse_spec(content()), (), ())


@pytest.mark.parametrize(
    ("path", "value", "rename"),
    [
        ("query.features", None, "feautres"),
        ("query.entity", None, "entty"),
        ("behaviour.views.user_counts.features.seen_7d.measure", "cout", None),
        ("behaviour.views.user_counts.features.seen_7d.measure", None, "mesure"),
        ("behaviour.views.user_counts.of", "qury", None),
        ("ranking.architecture.name", "mmeo", None),
        ("ranking.tasks.1.when", "byu", None),
        ("ranking.tasks.2.kind", "regresion", None),
        ("retrieval.positives", "bu", None),
    ],
)
def test_a_misspelling_is_read_as_what_was_meant(path: str, value: object, rename: str | None) -> None:
    assert _spec(spoilt(path, value, rename=rename)) == parse_spec(content())


def test_the_content_is_left_as_it_came() -> None:
    found = spoilt("query.features", None, rename="feautres")
    salvage(found)
    assert found == spoilt("query.features", None, rename="feautres")


@pytest.mark.parametrize(
    ("path", "value", "hole", "unsure"),
    [
        ("query.entity", ..., "query.entity", "query.entity"),
        ("item", 7, "item", "item.features"),
        ("split.test", "soon", "split", "split.validation"),
        ("ranking.tasks.1", [], "ranking.tasks.1", "ranking.tasks.1.label"),
        (
            "behaviour.views.user_brands.of",
            7,
            "behaviour.views.user_brands",
            "behaviour.views.user_brands.of",
        ),
        (
            "behaviour.views.user_counts.features.seen_7d.measure",
            "xyz",
            "behaviour.views.user_counts.features.seen_7d",
            "behaviour.views.user_counts.features.seen_7d.column",
        ),
    ],
)
def test_what_cannot_be_guessed_is_a_hole_and_the_rest_is_read(
    path: str, value: object, hole: str, unsure: str
) -> None:
    found = salvage(spoilt(path, value), file="r.yaml")
    assert len(found.problems) == 1
    assert found.holes == (hole,)
    assert not found.is_sure_of(Problem(f"r.yaml: {unsure}", "..."))
    assert found.is_sure_of(Problem(f"r.yaml: {hole}x", "..."))
    assert found.is_sure_of(Problem("feature view 'x'", "..."))
    assert found.spec is not None
    assert found.spec.interactions == parse_spec(content()).interactions
    assert found.spec.batch == parse_spec(content()).batch
    assert len(found.spec.ranking.tasks) == 3


def test_even_an_empty_file_leaves_a_spec_with_holes() -> None:
    found = salvage({})
    assert found.spec is not None
    assert set(found.holes) == {name for name, field in Spec.model_fields.items() if field.is_required()}
