"""The published JSON schema is the models' own, explains every key, and takes what we take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.spec.examples import FILES, REPOSITORY, content, spoilt
from tfrs_mtl.spec.json_schema import json_schema, json_schema_text


def _as_json(found: object) -> Any:
    """Return a YAML content as an editor sees it: dates are text."""
    return json.loads(json.dumps(found, default=lambda moment: moment.isoformat()))


def _checker() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def test_the_published_file_is_up_to_date() -> None:
    published = (REPOSITORY / "docs" / "recommender.schema.json").read_text()
    remedy = "run python -m tfrs_mtl.spec.json_schema > docs/recommender.schema.json"
    assert published == json_schema_text(), remedy


def test_it_is_a_valid_schema_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_every_recommender_yaml_of_the_repository_fits(file: Path) -> None:
    assert not list(_checker().iter_errors(_as_json(yaml.safe_load(file.read_text()))))


@pytest.mark.parametrize(
    ("path", "value", "rename"),
    [
        ("query.entity", None, "entty"),
        ("ranking.architecture", "mmeo", None),
        ("ranking.tasks.0.kind", "binry", None),
        ("behaviour.every", "1 month", None),
        ("behaviour.views.user_counts.features.seen_7d.windw", "7d", None),
        ("behaviour.views.user_counts.of", "qury", None),
        ("retrieval.dim", 0, None),
        ("version", 2, None),
    ],
)
def test_what_we_refuse_by_form_it_refuses_too(path: str, value: object, rename: str | None) -> None:
    assert not _checker().is_valid(_as_json(spoilt(path, value, rename=rename)))


def test_an_architecture_may_be_a_name_or_a_mapping() -> None:
    for value in ("shared_bottom", {"name": "mmoe", "experts": 2}):
        assert _checker().is_valid(_as_json(spoilt("ranking.architecture", value)))
    assert _checker().is_valid(_as_json(content()))


def test_every_key_has_a_description() -> None:
    assert [key for key, entry in _properties(json_schema()) if not entry.get("description")] == []


def _properties(node: object, above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "properties":
            for name, entry in value.items():
                yield f"{above}.{name}", entry
        yield from _properties(value, f"{above}.{key}")
