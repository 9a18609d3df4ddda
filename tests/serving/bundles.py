"""A second bundle for tests of swapping: the same files under another id, changed where asked for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfrs_mtl.bundle import BundleStore


def copied(
    store: BundleStore, bundle: str, *, change: Callable[[Path], None] = lambda directory: None
) -> str:
    """Write a bundle's files, changed, as another one; return its id."""
    directory, manifest = store.root / bundle, store.open(bundle).manifest

    def fill(target: Path) -> None:
        for name in manifest.files:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(directory / name, target / name)
        change(target)

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


def negate_ranking(directory: Path) -> None:
    """Turn a bundle's ranking about: every weight gets the other sign."""
    file = directory / "ranking.weights.npz"
    with np.load(file) as stored:
        weights = {name: -stored[name] for name in stored.files}
    np.savez(file, **weights)
