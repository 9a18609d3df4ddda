"""Reading recommender.yaml, with every problem found at once and named by file and key."""

from __future__ import annotations

from pathlib import Path

from tfrs_mtl.errors import SpecError
from tfrs_mtl.spec.recommender import Spec
from tfrs_mtl.spec.salvage import FILE_NAME, Salvage, salvage, salvage_spec


def load_spec(path: Path) -> Spec:
    """Read and check one recommender.yaml (or the file of that name in a directory).

    Raises:
        SpecError: with every problem of the file, each naming the file, the key, what came and what is valid.
    """
    return _sound(salvage_spec(path))


def parse_spec(content: object, *, file: str = FILE_NAME) -> Spec:
    """Check the parsed content of a recommender.yaml; ``file`` is named in the problems."""
    return _sound(salvage(content, file=file))


def _sound(found: Salvage) -> Spec:
    if found.spec is None or found.problems:
        raise SpecError(found.problems)
    return found.spec
