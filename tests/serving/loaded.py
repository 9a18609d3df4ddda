"""A recommender over a built shop, and what tests ask of it and read in its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from serving import Answer, Recommender
from tests.e2e.built import Built

UNKNOWN = {"bazaar": 424242, "cinema": "nobody"}
CATEGORY = {"bazaar": "stall", "cinema": "genre"}
NUMBER = {"bazaar": "unit price", "cinema": "price"}


def load(built: Built, *, artefacts: Path | None = None, **serving: Any) -> Recommender:
    """Load at the shop's present, with a ``serving`` section beside the repo's own file."""
    spec, artefacts = spec_with(built, **serving), artefacts or built.project.artefacts
    return Recommender.load(built.path, spec=spec, artefacts=artefacts, clock=lambda: built.at)


def spec_with(built: Built, **serving: Any) -> Path:
    """Write a spec with a ``serving`` section beside the repo."""
    content = yaml.safe_load((built.path / "recommender.yaml").read_text())
    spec = built.path.parent / f"serving-{abs(hash(str(serving)))}.yaml"
    spec.write_text(yaml.safe_dump({**content, "serving": serving}))
    return spec


def busiest(built: Built, count: int = 5) -> list[Any]:
    """The queries that interacted most."""
    order = np.argsort(-np.bincount(built.shop.query_codes))[:count]
    return [built.shop.queries.keys[int(row)].as_py() for row in order]


def keys(answer: Answer) -> list[Any]:
    return [item.item for item in answer.items]


def column(recommender: Recommender, name: str) -> dict[Any, Any]:
    """Item key -> value of a feature in the snapshot."""
    items = recommender.state.items
    full = next(f.name for f in recommender.state.schema.item.fetched if f.column == name)
    return dict(zip(items.keys.to_pylist(), items.frame.columns[full].to_pylist(), strict=True))
