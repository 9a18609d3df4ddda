"""Second bundles for tests of swapping: the same files under another id, changed, or half of the items."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.bundle import BundleStore, Manifest
from tfrs_mtl.bundle.contents import Contents, open_contents
from tfrs_mtl.dataset.frames import Frame
from tfrs_mtl.project import Project
from tfrs_mtl.scoring import to_snapshot


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

    return _written(store, manifest, fill)


def halved(project: Project) -> dict[str, frozenset[Any]]:
    """Write two bundles from the current one, each with half of its items; return their catalogues by id."""
    store = BundleStore(project.bundles)
    bundle = store.open()
    contents = open_contents(bundle, project).contents
    halves = [_part_of(contents, np.arange(first, len(contents.items.frame), 2)) for first in (0, 1)]
    return {
        _written(store, bundle.manifest, half.save): frozenset(half.items.keys.to_pylist()) for half in halves
    }


def negate_ranking(directory: Path) -> None:
    """Turn a bundle's ranking about: every weight gets the other sign."""
    file = directory / "ranking.weights.npz"
    with np.load(file) as stored:
        weights = {name: -stored[name] for name in stored.files}
    np.savez(file, **weights)


def _written(store: BundleStore, manifest: Manifest, fill: Callable[[Path], None]) -> str:
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


def _part_of(contents: Contents, rows: NDArray[np.int64]) -> Contents:
    frame, index = contents.items.frame, pa.array(rows)
    columns = {name: column.take(index) for name, column in frame.columns.items()}
    items = to_snapshot(contents.models, Frame(columns, frame.times[rows]))
    exposure = None if contents.exposure is None else contents.exposure[rows]
    standing = None if contents.standing is None else contents.standing.take(rows)
    return Contents(contents.models, items, contents.popularity[rows], exposure, standing)
