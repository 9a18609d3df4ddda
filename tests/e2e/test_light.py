"""What must be light, sorted and quiet: imports, names, help."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
import time

import pytest

import serving
import tfrs_mtl
from tests.e2e.built import ROOT, run
from tfrs_mtl.cli.main import COMMANDS

_PACKAGES = sorted(
    name
    for package in (serving, tfrs_mtl)
    for name in (
        package.__name__,
        *(m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}.") if m.ispkg),
    )
)


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], cwd="/", env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("package", ["serving", "tfrs_mtl", "tfrs_mtl.cli"])
def test_an_import_loads_neither_tensorflow_nor_feast(package: str) -> None:
    heavy = "{'tensorflow', 'tensorflow_recommenders', 'tf_keras', 'feast', 'pandas', 'pyarrow'}"
    done = _python("-c", f"import sys, {package}; print(sorted({heavy} & set(sys.modules)))")
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_adapter_is_imported_at_once() -> None:
    code = "import time; began = time.perf_counter(); import serving; print(time.perf_counter() - began)"
    assert min(float(_python("-c", code).stdout) for _ in range(2)) < 0.5


def test_help_comes_at_once() -> None:
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        done = _python("-m", "tfrs_mtl", "--help")
        seconds.append(time.perf_counter() - start)
    assert all(command in done.stdout for command in COMMANDS)
    assert min(seconds) < 1


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str) -> None:
    done = run(command, "--help")
    assert done.exit_code == 0
    assert done.stdout.startswith("Usage:")


@pytest.mark.parametrize("package", _PACKAGES)
def test_what_a_package_gives_is_sorted_and_there(package: str) -> None:
    module = importlib.import_module(package)
    names = list(getattr(module, "__all__", ()))
    assert names == sorted(names)
    assert [name for name in names if not hasattr(module, name)] == []


def test_an_unknown_command_is_the_users_mistake() -> None:
    done = run("recomend")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "recomend" in done.stderr
