"""MovieLens 100K out of the wheel of `recbole==1.2.1`: downloaded by pip, never installed, never shipped."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from pathlib import Path

_PACKAGE = "recbole==1.2.1"
_INSIDE = "recbole/dataset_example/ml-100k/ml-100k."


def download(cache: Path) -> Path:
    """Return the wheel in a directory, where pip puts it the first time."""
    if not (found := sorted(cache.glob("recbole-1.2.1-*.whl"))):
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(cache), _PACKAGE]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = sorted(cache.glob("recbole-1.2.1-*.whl"))
    return found[0]


def read(wheel: Path, part: str) -> dict[str, list[str]]:
    """Return a part of the data (``inter``, ``item`` or ``user``) as column name -> values, as they stand."""
    with zipfile.ZipFile(wheel) as opened:
        text = opened.read(_INSIDE + part).decode("utf-8")
    header, *rows = csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    names = [name.split(":")[0] for name in header]
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
