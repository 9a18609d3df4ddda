"""A recommender over a built shop, and what tests ask of it and read in its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from feast import FeatureStore

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


def read_by_feast(path: Path, recommender: Recommender) -> dict[str, list[Any]]:
    """What Feast's own `get_online_features` gives for all items, by full name, in the snapshot's types.

    Feast gives what has expired, too; that is taken out by the times that it tells.
    """
    state = recommender.state
    side, columns = state.schema.item, state.items.frame.columns
    assert side.service is not None
    store = FeatureStore(repo_path=str(path))
    found = store.get_online_features(
        features=store.get_feature_service(side.service.name),
        entity_rows={side.key.name: state.items.keys.to_pylist()},
        full_feature_names=True,
    ).to_dict(include_event_timestamps=True)
    oldest = {
        s.name: (state.at - s.view.ttl).timestamp() if s.view.ttl else 0.0 for s in side.service.selections
    }
    served = {}
    for f in side.fetched:
        dated = zip(found[f.name], found[f"{f.name}__ts"], strict=True)
        values = [value if stamp >= oldest[f.view] else None for value, stamp in dated]
        served[f.name] = pa.array(values, columns[f.name].type).to_pylist()
    return served
