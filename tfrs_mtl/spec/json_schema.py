"""The JSON schema of recommender.yaml, by which editors complete and check it.

Published by ``python -m tfrs_mtl.spec.json_schema > docs/recommender.schema.json``.
"""

from __future__ import annotations

import json
from typing import Any

from tfrs_mtl.spec.recommender import Spec


def json_schema() -> dict[str, Any]:
    """Return the schema; what only the registry or other keys can tell is not in it."""
    found = Spec.model_json_schema(mode="validation")
    _flatten(found)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "recommender.yaml"}


def json_schema_text() -> str:
    """Return the schema as it is published."""
    return json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"


def _flatten(node: Any) -> None:
    """Put descriptions on one line, as editors show them, and drop the titles that pydantic makes up."""
    if isinstance(node, list):
        for entry in node:
            _flatten(entry)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("title"), str):
        del node["title"]
    if isinstance(node.get("description"), str):
        node["description"] = " ".join(node["description"].split()).replace("``", "`")
    for value in node.values():
        _flatten(value)


if __name__ == "__main__":
    print(json_schema_text(), end="")
