"""The wheel answers what the checkout answers, outside of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.e2e.built import ROOT, Built


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and, of this one, what the wheel needs."""
    root = tmp_path_factory.mktemp("wheel")
    _done("-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(root), str(ROOT))
    _done("-m", "venv", "--without-pip", str(root / "venv"))
    python = root / "venv" / "bin" / "python"
    (site,) = (root / "venv" / "lib").glob("python*/site-packages")
    (wheel,) = root.glob("*.whl")
    _done("-m", "pip", "--python", str(python), "install", "-q", "--no-deps", str(wheel))
    (site / "of-the-tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def _done(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_wheel_answers_what_the_checkout_answers(built: Built, installed: Path, tmp_path: Path) -> None:
    query = str(built.shop.queries.keys[0].as_py())
    arguments = ("recommend", "--at", built.at.isoformat(), "--json", query)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(installed.with_name("tfrs-mtl")), "-c", str(built.path), *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    outside, inside = json.loads(done.stdout), built.json(*arguments[:-2], query)
    assert [item["item"] for item in outside["items"]] == [item["item"] for item in inside["items"]]
    for theirs, ours in zip(outside["items"], inside["items"], strict=True):
        assert theirs["predictions"] == pytest.approx(ours["predictions"], rel=1e-5)
    where = subprocess.run(
        [installed, "-c", "import tfrs_mtl, serving; print(tfrs_mtl.__file__, serving.__file__)"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(ROOT) not in where.stdout
