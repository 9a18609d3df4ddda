"""A built shop's copy, which a test may write to."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml
from feast import FeatureStore

from tests.e2e.built import STARTS, Built


def copy_of(built: Built, root: Path, *, redis: str | None = None) -> Path:
    """Copy a shop's repo, data and all, but not its bundles; its registry names the files of the copy.

    Args:
        redis: ``connection_string`` of another online store; it is filled as the shop's own was.
    """
    shutil.copytree(built.path, root, ignore=shutil.ignore_patterns("artefacts", "__pycache__"))
    if redis is not None:
        file = root / "feature_store.yaml"
        content = yaml.safe_load(file.read_text())
        content["online_store"] = {"type": "redis", "connection_string": redis}
        file.write_text(yaml.safe_dump(content))
    store = FeatureStore(str(root))
    views = store.list_feature_views()
    for view in views:
        for source in (view.batch_source, getattr(view.stream_source, "batch_source", None)):
            if source is not None:
                source.file_options.uri = source.path.replace(str(built.path), str(root))
    store.apply(views)
    if redis is not None:
        store.materialize(STARTS[built.name], built.at)
    return root
