"""A valid recommender.yaml to spoil in one place or another."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = [
    REPOSITORY / "feature_repo" / "recommender.yaml",
    REPOSITORY / "tests" / "shops" / "bazaar" / "repo" / "recommender.yaml",
    REPOSITORY / "tests" / "shops" / "cinema" / "repo" / "recommender.yaml",
]

_TEXT = """
version: 1
name: shop
query: {entity: user, features: users}
item: {entity: thing, features: things, display: [title]}
interactions: {view: events, context: [device]}
split: {validation: 2024-03-01, test: 2024-04-01, end: 2024-05-01}
behaviour:
  every: 1d
  views:
    user_counts:
      of: query
      features:
        seen_7d: {measure: count, window: 7d}
        last_things: {measure: last}
        ages: {measure: ages, of: last_things}
    user_brands:
      of: [query, brand]
      features:
        bought: {measure: count, where: bought}
inputs:
  brand: {kind: category}
retrieval: {positives: buy, dim: 8, hidden: [16], training: {epochs: 2}}
ranking:
  architecture: {name: mmoe, experts: 3}
  tasks:
    - {name: buy, kind: binary, label: bought}
    - {name: keep, kind: binary, label: kept, when: buy, delay: 14d}
    - {name: spend, kind: regression, label: price, when: buy}
  negatives: {popular: 2}
objective: {buy: 1.0, spend: 0.5}
batch: {candidates: 50, k: 5}
"""


def content() -> dict[str, Any]:
    """Return a valid content, new each time."""
    parsed: dict[str, Any] = yaml.safe_load(_TEXT)
    return copy.deepcopy(parsed)


def text() -> str:
    """Return the same as YAML."""
    return _TEXT


def spoilt(path: str, value: object, *, rename: str | None = None) -> dict[str, Any]:
    """Return the content with another value at a dotted path (... takes the key away), or a key renamed."""
    found = content()
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    parent: Any = found
    for part in way:
        parent = parent[part]
    if rename is not None:
        parent[rename] = parent.pop(last)
    elif value is ...:
        del parent[last]
    else:
        parent[last] = value
    return found
