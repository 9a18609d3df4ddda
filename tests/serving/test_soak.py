"""The soak of benchmarks/soak.py, short: no failed and no mixed answer while everything changes beneath."""

from __future__ import annotations

from pathlib import Path

from benchmarks.soak import soak
from tests.e2e.built import Built


def test_while_everything_changes_no_answer_fails_or_mixes_versions(built: Built, tmp_path: Path) -> None:
    figures = soak(built.path, requests=400, threads=8, root=tmp_path / "soak")
    assert (figures.requests, figures.failed, figures.mixed) == (400, 0, 0), figures.troubles
    assert min(figures.swaps, figures.refreshes, figures.materialisations, figures.pushes) >= 1
