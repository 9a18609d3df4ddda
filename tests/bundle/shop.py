"""A store with two small bundles, for the tests of this directory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from tfrs_mtl.bundle import Bundle, BundleStore, SchemaTypes, SideTypes

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
TYPES = SchemaTypes(
    query=SideTypes(entity="household", key="household_id", dtype="Int64", features={"visits": "Float32"}),
    item=SideTypes(entity="product", key="product_id", dtype="String", features={"brand": "String"}),
    context={"hour": "Int64"},
)


def fill_small(directory: Path) -> None:
    """Write two files, one of them in a subdirectory."""
    (directory / "towers").mkdir()
    (directory / "towers" / "weights.bin").write_bytes(bytes(range(256)) * 40)
    (directory / "items.txt").write_text("apple\npear\n")


def write(store: BundleStore, fill: Callable[[Path], None] = fill_small, *, second: int = 0) -> Bundle:
    """Write a bundle whose id is ordered by ``second``."""
    return store.write(
        fill=fill,
        name="grocery",
        created=NOON.replace(second=second),
        at=NOON,
        seed=7,
        versions={"tfrs-mtl": "0.1.0"},
        spec={"version": 1},
        types=TYPES,
        metrics={"recall@50": 0.25, "auc": float("nan")},
    )


def content(root: Path) -> dict[str, bytes | None]:
    """Return everything below a directory, but for the lock file: path -> bytes, None for a directory."""
    found = {p.relative_to(root).as_posix(): p.read_bytes() if p.is_file() else None for p in root.rglob("*")}
    return {name: value for name, value in found.items() if name != ".lock"}
