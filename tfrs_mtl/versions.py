"""The versions that make a result: ours and those of the packages it rests on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    "tfrs-mtl",
    "feast",
    "tensorflow",
    "tf-keras",
    "tensorflow-recommenders",
    "duckdb",
    "pyarrow",
    "numpy",
)


def versions() -> dict[str, str]:
    """Return package -> version, and ``python``."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
