"""The whole check, one stage after the other, each as far as the one before it allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tfrs_mtl.check.files import file_problems
from tfrs_mtl.check.flags import flag_problems
from tfrs_mtl.check.labels import WindowFacts, label_problems, window_facts
from tfrs_mtl.check.numbers import number_hints
from tfrs_mtl.check.values import value_problems
from tfrs_mtl.dataset.interactions import Interactions, read_interactions
from tfrs_mtl.errors import DataError, Problem, RegistryError, StoreError
from tfrs_mtl.schema import Catalogue, Schema, examine
from tfrs_mtl.spec import FILE_NAME, Salvage, salvage_spec
from tfrs_mtl.store import FeatureRepo, open_repo

_COUNTED = ("bool", "int", "float")


@dataclass(frozen=True)
class Findings:
    """What a check found.

    Attributes:
        problems: errors and hints, in the order of the stages.
        schema: the spec resolved against the registry, as far as it resolves.
        windows: what the labels hold in each window of the split; empty where they could not be read.
    """

    problems: tuple[Problem, ...]
    schema: Schema | None = None
    windows: tuple[WindowFacts, ...] = ()

    @property
    def is_fine(self) -> bool:
        """Whether nothing but hints was found."""
        return all(problem.severity == "hint" for problem in self.problems)


def check_project(path: Path, *, spec: Path | None = None) -> Findings:
    """Check recommender.yaml by itself, against the registry of a feature repo, and against the data.

    Never raises for what it is there to find. A stage runs as far as the earlier ones allow: where the spec
    is wrong in places, the rest of it is still held against the registry.

    Args:
        path: directory of feature_store.yaml.
        spec: another file instead of ``path/recommender.yaml``.
    """
    file = spec or path / FILE_NAME
    known = salvage_spec(file)
    problems = list(known.problems)
    opened = _open(path, problems)
    if opened is None or known.spec is None:
        return Findings(tuple(problems))
    repo, catalogue = opened
    schema, found = examine(known.spec, catalogue, file=str(file))
    problems += [problem for problem in found if known.is_sure_of(problem)]
    if schema is None:
        return Findings(_distinct(problems))
    windows = _check_data(repo, schema, known, file=str(file), problems=problems)
    return Findings(_distinct(problems), schema, windows)


def _open(path: Path, problems: list[Problem]) -> tuple[FeatureRepo, Catalogue] | None:
    try:
        repo = open_repo(path)
        return repo, repo.catalogue
    except RegistryError as error:
        problems += error.problems
    except StoreError as error:
        problems.append(Problem(str(path / "feature_store.yaml"), str(error)))
    return None


def _check_data(
    repo: FeatureRepo, schema: Schema, known: Salvage, *, file: str, problems: list[Problem]
) -> tuple[WindowFacts, ...]:
    """Add what the files and the interactions show; return the windows' facts."""
    by_view = file_problems(schema, repo.catalogue)
    problems += [problem for found in by_view.values() for problem in found]
    broken = {view for view, found in by_view.items() if any(p.severity == "error" for p in found)}
    problems += _data_errors(number_hints(schema, set(by_view) - broken))
    if schema.events.name in broken:
        return ()
    labels = tuple(c for c in schema.labels if c.dtype.base in _COUNTED and not c.dtype.is_list)
    readable = replace(schema, labels=labels, context=())
    problems += _data_errors(flag_problems(repo, readable, file=file))
    interactions = _read(repo, readable, problems)
    if interactions is None or known.is_hole("split"):
        return ()
    windows = window_facts(readable, interactions)
    found = [
        *label_problems(readable, interactions, windows, file=file),
        *value_problems(readable, interactions, windows, file=file),
    ]
    problems += [problem for problem in found if known.is_sure_of(problem)]
    return windows


def _read(repo: FeatureRepo, schema: Schema, problems: list[Problem]) -> Interactions | None:
    try:
        return read_interactions(repo, schema)
    except (DataError, StoreError) as error:
        problems.append(_of_data(error))
    return None


def _data_errors(found: Iterator[Problem]) -> list[Problem]:
    """Run a check over data; what cannot be read is a problem like any other."""
    problems: list[Problem] = []
    try:
        problems.extend(found)
    except (DataError, StoreError) as error:
        problems.append(_of_data(error))
    return problems


def _of_data(error: DataError | StoreError) -> Problem:
    where, _, what = str(error).partition(": ")
    return Problem(where, what) if what else Problem("data", str(error))


def _distinct(problems: list[Problem]) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problems))
