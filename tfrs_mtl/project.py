"""A shop's feature repo together with its recommender.yaml: what every command starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tfrs_mtl.schema import Schema, resolve
from tfrs_mtl.spec import FILE_NAME, Spec, load_spec
from tfrs_mtl.store import FeatureRepo, open_repo

_ARTEFACTS = "artefacts"


@dataclass(frozen=True)
class Project:
    """An opened feature repo and its spec.

    Attributes:
        repo: the door to Feast.
        spec: recommender.yaml, valid by itself.
        file: where it was read from.
        artefacts: everything we write apart from feature snapshots lies below this directory.
    """

    repo: FeatureRepo
    spec: Spec
    file: Path
    artefacts: Path

    @cached_property
    def schema(self) -> Schema:
        """The spec resolved against the registry; raises RegistryError with every contradiction."""
        return resolve(self.spec, self.repo.catalogue, file=str(self.file))

    @property
    def bundles(self) -> Path:
        """Root of the bundles."""
        return self.artefacts / "bundles"

    @property
    def runs(self) -> Path:
        """Checkpoints of trainings, under way or done."""
        return self.artefacts / "runs"

    @property
    def log(self) -> Path:
        """The answers that a recommender logged."""
        return self.artefacts / "log"

    @property
    def shadow_log(self) -> Path:
        """How a shadow's answers differed."""
        return self.artefacts / "shadow"


def open_project(path: Path, *, spec: Path | None = None, artefacts: Path | None = None) -> Project:
    """Open a feature repo and the recommender.yaml in it.

    Args:
        path: directory of feature_store.yaml.
        spec: another file instead of ``path/recommender.yaml``.
        artefacts: another directory instead of ``path/artefacts``.

    Raises:
        SpecError: the spec is not valid by itself.
        RegistryError: the directory is no feature repo.
    """
    file = spec or path / FILE_NAME
    return Project(open_repo(path), load_spec(file), file, (artefacts or path / _ARTEFACTS).resolve())
