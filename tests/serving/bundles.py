"""A second bundle for tests of swapping: the same files under another id."""

from __future__ import annotations

import shutil
from pathlib import Path

from tfrs_mtl.bundle import BundleStore


def copied(store: BundleStore, bundle: str) -> str:
    """Write a bundle's files as another one; return its id."""
    directory, manifest = store.root / bundle, store.open(bundle).manifest

    def fill(target: Path) -> None:
        for name in manifest.files:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(directory / name, target / name)

    written = store.write(
        fill=fill,
        name=manifest.name,
        created=manifest.created,
        at=manifest.at,
        seed=manifest.seed,
        versions=manifest.versions,
        spec=manifest.spec,
        types=manifest.types,
        metrics=manifest.metrics,
    )
    return written.id
