"""A shop brought all the way: built, applied, its features built and materialised, both models trained."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tests.shops import SHOPS, TRUTHS, Truth, bazaar, cinema
from tfrs_mtl.behaviour import BuildReport
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.cli import main
from tfrs_mtl.dataset.shop import Shop, open_shop
from tfrs_mtl.features import build_features
from tfrs_mtl.project import Project, open_project
from tfrs_mtl.training.run import train

ROOT = Path(__file__).resolve().parents[2]
SEED = 3
STARTS = {"bazaar": bazaar.START, "cinema": cinema.START}
_FEAST = "import sys; from feast.cli.cli import cli; cli(sys.argv[1:])"


@dataclass(frozen=True)
class Built:
    """A shop whose bundle is current and whose online store is filled.

    Attributes:
        at: the present of its data, as of which the bundle's items are and the online store was filled.
        bundle: id of the bundle.
        early, late, again: reports of building the features until validation, then all, then once more.
    """

    name: str
    path: Path
    at: datetime
    bundle: str
    early: Sequence[BuildReport]
    late: Sequence[BuildReport]
    again: Sequence[BuildReport]

    @cached_property
    def project(self) -> Project:
        """The opened repo and spec."""
        return open_project(self.path)

    @cached_property
    def shop(self) -> Shop:
        """Its interactions and population."""
        return open_shop(self.project.repo, self.project.schema)

    @property
    def truth(self) -> Truth:
        """What the generator knows."""
        return TRUTHS[self.name]()

    @property
    def bundles(self) -> Path:
        """The directory of its bundles."""
        return self.project.bundles

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks' names."""
        return tuple(task.name for task in self.project.spec.ranking.tasks)

    def run(self, *arguments: str) -> Result:
        """Run a command of `tfrs-mtl` for this shop, in this process."""
        return run("-c", str(self.path), *arguments)

    def json(self, *arguments: str) -> Any:
        """Run a command with ``--json``; what it prints must be one JSON object and nothing else."""
        found = self.run(*arguments, "--json")
        assert found.exit_code == 0, found.output
        return json.loads(found.stdout)


def run(*arguments: str) -> Result:
    """Run `tfrs-mtl` in this process; what is no error of ours is raised."""
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def build(name: str, root: Path) -> Built:
    """Bring a shop all the way; Feast's own commands run in processes of their own, as a user runs them."""
    path = applied(name, root)
    project = open_project(path)
    now = datetime.now(timezone.utc)
    begin = project.spec.split.validation
    early, late, again = (list(build_features(project, now=now, until=u)) for u in (begin, None, None))
    at = open_shop(project.repo, project.schema).present(now)
    filling = start_feast(path, "materialize", *(f"{t:%Y-%m-%dT%H:%M:%S}" for t in (_before(name), at)))
    report = train(project, seed=SEED, now=now)
    _, errors = filling.communicate()
    assert filling.returncode == 0, errors
    bundle = BundleStore(project.bundles).promote(report.bundle.id)
    return Built(name, path, at, bundle.id, early, late, again)


def applied(name: str, root: Path, *, edit: Callable[[Path], None] = lambda path: None) -> Path:
    """Build a shop, edit what was built where asked for, and apply it; nothing else."""
    path = SHOPS[name](root)
    edit(path)
    done = start_feast(path, "apply")
    _, errors = done.communicate()
    assert done.returncode == 0, errors
    return path


def start_feast(path: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start one of Feast's own commands."""
    command = [sys.executable, "-c", _FEAST, "-c", str(path), *arguments]
    return subprocess.Popen(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _before(name: str) -> datetime:
    """A moment before anything is known of the shop."""
    return STARTS[name] - timedelta(days=400)
