"""A shop's copy, to which a soak may write: its registry, online store, bundles, and interactions."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml
from feast import FeatureStore

from tfrs_mtl.project import Project, open_project
from tfrs_mtl.schema import Schema, histories

_ALONE = ("experiment", "shadow", "follow", "refresh")
"""What would load other bundles, or the items, at times of its own."""


def copied(shop: Path, root: Path) -> Project:
    """Copy a repo whose registry and sqlite online store are files, so that events can be recorded.

    Sources stay where they are, but for the interactions that events are appended to.
    """
    shutil.copytree(shop / "artefacts" / "bundles", root / "artefacts" / "bundles")
    config = yaml.safe_load((shop / "feature_store.yaml").read_text())
    for name in _files(shop, config):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shop / name, root / name)
    shutil.copyfile(shop / "feature_store.yaml", root / "feature_store.yaml")
    with closing(sqlite3.connect(root / config["online_store"]["path"])) as db:
        db.execute("PRAGMA journal_mode=WAL")
    spec = yaml.safe_load((shop / "recommender.yaml").read_text())
    serving = {key: value for key, value in spec.get("serving", {}).items() if key not in _ALONE}
    spec["serving"] = {**serving, "deadline": "10s", "record_deadline": "60s", "record": False}
    (root / "recommender.yaml").write_text(yaml.safe_dump(spec))
    if can_record(open_project(root).schema):
        _own_interactions(root)
        spec["serving"]["record"] = True
        (root / "recommender.yaml").write_text(yaml.safe_dump(spec))
    return open_project(root)


def can_record(schema: Schema) -> bool:
    """Say whether events can be pushed, and appended to nothing but a file, which is copied."""
    views = [view for view, _ in histories(schema)]
    pushed = all(view.push is not None for view in views) and bool(views or schema.events.push)
    return pushed and (schema.events.push is None or schema.events.source.path is not None)


def _files(shop: Path, config: dict[str, Any]) -> list[str]:
    files = [config.get(part, {}).get("path", "") for part in ("registry", "online_store")]
    if config["online_store"].get("type") != "sqlite" or not all((shop / name).is_file() for name in files):
        sys.exit(f"{shop}: expected a registry and a sqlite online store in files, to copy them")
    log = f"{files[-1]}-wal"  # what sqlite has not moved into its file yet
    return [*files, log] if (shop / log).is_file() else files


def _own_interactions(root: Path) -> None:
    """Let the interactions that events are appended to be a copy."""
    events = open_project(root).schema.events
    if events.push is None or events.source.path is None:
        return
    given, own = events.source.path, root / "interactions" / events.source.path.name
    own.parent.mkdir()
    (shutil.copytree if given.is_dir() else shutil.copyfile)(given, own)
    store = FeatureStore(repo_path=str(root))
    view = store.get_feature_view(events.name)
    for source in (view.batch_source, view.stream_source.batch_source):
        source.file_options.uri = str(own)
    store.apply([view])
