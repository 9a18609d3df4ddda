"""Reading the file itself: what is no file, no YAML, or YAML that would silently lose something."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.examples import FILES, text
from tfrs_mtl.errors import SpecError
from tfrs_mtl.spec import load_spec


def _problem(file: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load_spec(file)
    [problem] = caught.value.problems
    assert problem.where.startswith(str(file))
    return str(problem).removeprefix(f"{file}: ")


def _written(directory: Path, content: str) -> Path:
    file = directory / "recommender.yaml"
    file.write_text(content, encoding="utf-8")
    return file


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_every_recommender_yaml_of_the_repository_is_valid(file: Path) -> None:
    assert load_spec(file) == load_spec(file.parent)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    assert _problem(tmp_path / "recommender.yaml").startswith("does not exist; `tfrs-mtl init`")


def test_a_file_of_other_bytes_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "recommender.yaml"
    file.write_bytes(text().encode("utf-16"))
    assert _problem(file).startswith("cannot be read: ")


def test_an_empty_file_is_told_the_keys(tmp_path: Path) -> None:
    assert _problem(_written(tmp_path, "# nothing\n")).startswith(
        "is empty; expected a mapping with the keys"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("version: 1\nquery: {entity: user\n", "is not valid YAML: line 3, column 1: "),
        ("version: 1\n\tname: shop\n", "is not valid YAML: line 2, column 1: "),
        (
            "version: 1\nname: a\nversion: 1\n",
            "is not valid YAML: line 3, column 1: the key 'version' stands twice",
        ),
        ("a: {b: 1, b: 2}\n", "is not valid YAML: line 1, column 11: the key 'b' stands twice"),
        ("version: 1\n[a, b]: 2\n", "is not valid YAML: line 2, column 1: expected a name as"),
        ("version: 1\n---\nversion: 1\n", "is not valid YAML: line 2, column 1: expected a single"),
        (
            "a: !!python/object:os.system {}\n",
            "is not valid YAML: line 1, column 4: could not determine",
        ),
        ("a: *b\n", "is not valid YAML: line 1, column 4: found undefined alias 'b'"),
        ("a: \x07\n", "is not valid YAML: "),
    ],
)
def test_what_is_no_yaml_is_named_by_its_line(content: str, expected: str, tmp_path: Path) -> None:
    assert _problem(_written(tmp_path, content)).startswith(expected)


def test_a_date_that_is_none_is_named_by_its_key(tmp_path: Path) -> None:
    file = _written(tmp_path, text().replace("2024-04-01", "2024-02-30"))
    assert _problem(file).startswith("split.test: expected a date or time such as 2024-03-01 or")


def test_anchors_and_merged_keys_are_taken(tmp_path: Path) -> None:
    merged = text().replace("retrieval: {", "retrieval: &base {", 1)
    merged = merged.replace("training: {epochs: 2}", "training: &training {epochs: 2}")
    merged = merged.replace("  negatives:", "  training: {<<: *training, batch_size: 9}\n  negatives:")
    spec = load_spec(_written(tmp_path, merged))
    assert (spec.ranking.training.epochs, spec.ranking.training.batch_size) == (2, 9)
    assert spec.retrieval == load_spec(_written(tmp_path, text())).retrieval
