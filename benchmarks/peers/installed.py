"""Contenders that need a package which `make venv` does not install."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.util import find_spec

TORCH = "torch_"
"""What the names of `torch-rechub`'s contenders begin with."""


def runnable(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names without those whose package is not here, and say so on stderr."""
    given = tuple(names)
    left_out = [name for name in given if name.startswith(TORCH)] if find_spec("torch_rechub") is None else []
    if left_out:
        how = ".venv/bin/pip install -c constraints.txt -e '.[torch]'"
        print(f"{', '.join(left_out)} left out: no torch-rechub here; to install: {how}", file=sys.stderr)
    return tuple(name for name in given if name not in left_out)
