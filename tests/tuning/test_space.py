"""A search space: every key and value held against the contract before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shops import SHOPS
from tfrs_mtl.errors import SpecError
from tfrs_mtl.spec import Spec, load_spec
from tfrs_mtl.tuning import Choice, Range, read_space, with_values
from tfrs_mtl.tuning.space import value_of


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    return load_spec(SHOPS["bazaar"](tmp_path_factory.mktemp("shop") / "repo"))


def _space(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "tune.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_values_go_under_their_keys_and_the_rest_stays(spec: Spec) -> None:
    task = spec.ranking.tasks[-1].name
    found = with_values(
        spec,
        {
            "retrieval.dim": 12,
            "ranking.architecture": {"name": "stem", "own_dim": 3},
            f"ranking.tasks.{task}.weight": 0.25,
            "ranking.training.learning_rate": 0.004,
        },
    )
    assert found.retrieval.dim == 12
    assert found.ranking.architecture.name == "stem"
    assert found.ranking.tasks[-1].weight == 0.25
    assert found.ranking.tasks[:-1] == spec.ranking.tasks[:-1]
    assert found.behaviour == spec.behaviour
    assert with_values(spec, {}) == spec


def test_what_stands_under_a_key_is_found_and_nothing_under_others(spec: Spec) -> None:
    task = spec.ranking.tasks[0].name
    assert value_of(spec, "retrieval.dim") == spec.retrieval.dim
    assert value_of(spec, f"ranking.tasks.{task}.weight") == spec.ranking.tasks[0].weight
    assert value_of(spec, "ranking.tasks.nobody.weight") is None
    assert value_of(spec, "ranking.nothing.at.all") is None


def test_lists_are_choices_and_mappings_are_ranges(tmp_path: Path, spec: Spec) -> None:
    text = """
    retrieval.dim: [8, 16]
    ranking.dropout: {low: 0, high: 0.5}
    ranking.training.learning_rate: {low: 0.001, high: 0.1, log: true}
    ranking.training.batch_size: {low: 16, high: 64}
    """
    assert read_space(_space(tmp_path, text), spec) == {
        "retrieval.dim": Choice((8, 16)),
        "ranking.dropout": Range(0, 0.5),
        "ranking.training.learning_rate": Range(0.001, 0.1, log=True),
        "ranking.training.batch_size": Range(16, 64),
    }
    assert Range(16, 64).holds(16)
    assert not Range(16, 64).holds(16.5)
    assert not Range(16, 64).holds(True)
    assert Range(0, 0.5).holds(0)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ranking.architecture: [cgc, cgcc]", "did you mean 'cgc'"),
        ("ranking.dropout: {low: 0.0, high: 1.5}", "1.5: expected less than 1"),
        ("ranking.tasks.nobody.weight: [1]", "nothing under 'nobody'"),
        ("retrieval.dims: [8]", "did you mean 'dim'"),
        ("split.test: [2024-01-01]", "retrieval, ranking, inputs"),
        ("retrieval: [1]", "write them with dots"),
        ("retrieval.dim: 8", "expected a list of values, or"),
        ("retrieval.dim: []", "expected a list of values, or"),
        ("retrieval.dim: {low: 8}", "expected a list of values, or"),
        ("retrieval.dim: {low: 8, high: 8}", "low < high"),
        ("ranking.dropout: {low: 0, high: 0.5, log: true}", "above 0"),
    ],
)
def test_what_cannot_be_tried_is_named_with_what_would_be_right(
    tmp_path: Path, spec: Spec, line: str, says: str
) -> None:
    file = _space(tmp_path, f"{line}\nranking.hidden: [[8]]\nretrieval.nix: [1]\n")
    with pytest.raises(SpecError) as caught:
        read_space(file, spec)
    assert all(str(problem).startswith(f"{file}: ") for problem in caught.value.problems)
    assert any(says in str(problem) for problem in caught.value.problems)
    assert any("retrieval.nix" in str(problem) for problem in caught.value.problems)  # all at once


def test_an_empty_space_is_refused(tmp_path: Path, spec: Spec) -> None:
    with pytest.raises(SpecError, match="expected keys of recommender"):
        read_space(_space(tmp_path, "{}"), spec)
