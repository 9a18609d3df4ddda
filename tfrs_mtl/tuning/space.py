"""What a search may try: keys of recommender.yaml, each with its choices or its range."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfrs_mtl.errors import Problem, SpecError
from tfrs_mtl.spec import Spec, parse_spec
from tfrs_mtl.spec.reading import read_content

FILE_NAME = "tune.yaml"
SECTIONS = ("retrieval", "ranking", "inputs")
_BOUNDS = {"low", "high", "log"}
_FORM = "expected a list of values, or {low: ..., high: ..., log: true}"


@dataclass(frozen=True)
class Choice:
    """One of some values, of any form that the key takes."""

    values: tuple[Any, ...]

    @property
    def ends(self) -> tuple[Any, ...]:
        """What must be valid for all to be."""
        return self.values

    def holds(self, value: Any) -> bool:
        """Say whether a value is among them."""
        return value in self.values


@dataclass(frozen=True)
class Range:
    """A number from low to high, both included; a whole one where both are."""

    low: float
    high: float
    log: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def ends(self) -> tuple[Any, ...]:
        """What must be valid for all to be."""
        return self.low, self.high

    def holds(self, value: Any) -> bool:
        """Say whether a value lies within."""
        is_number = isinstance(value, int if self.is_whole else (int, float)) and not isinstance(value, bool)
        return is_number and self.low <= value <= self.high


Space = Mapping[str, Choice | Range]
"""Key of recommender.yaml, with dots -> what it may become."""


def read_space(file: Path, spec: Spec) -> dict[str, Choice | Range]:
    """Read a search space and hold every value of it against the contract.

    Tasks are named: ``ranking.tasks.spend.weight``.

    Raises:
        SpecError: with every problem of the file: a key that recommender.yaml does not have or that no
            search may change, a form that is neither choices nor range, a value that the key does not take.
    """
    content = read_content(file)
    if not isinstance(content, dict) or not content:
        raise SpecError(
            Problem(str(file), "expected keys of recommender.yaml, such as retrieval.dim: [32, 64]")
        )
    space: dict[str, Choice | Range] = {}
    problems: list[Problem] = []
    for key, given in content.items():
        found = _read(file, str(key), given)
        if isinstance(found, Problem):
            problems.append(found)
            continue
        space[str(key)] = found
        problems += _refused(file, spec, str(key), found)
    if problems:
        raise SpecError(problems)
    return space


def with_values(spec: Spec, values: Mapping[str, Any]) -> Spec:
    """Return a spec with other values under some keys.

    Raises:
        SpecError: a key or a value that the contract does not have.
    """
    content = spec.model_dump(mode="json")
    for key, value in values.items():
        _put(content, key, value)
    return parse_spec(content, file=FILE_NAME)


def value_of(spec: Spec, key: str) -> Any:
    """Return what stands under a key; None where nothing does."""
    found: Any = spec.model_dump(mode="json")
    for part in key.split("."):
        place = _place(found, part)
        if place is None:
            return None
        found = found[place]
    return found


def _read(file: Path, key: str, given: Any) -> Choice | Range | Problem:
    where = f"{file}: {key}"
    if key.split(".")[0] not in SECTIONS or "." not in key:
        return Problem(where, f"a search changes keys below {', '.join(SECTIONS)}; write them with dots")
    if isinstance(given, list) and given:
        return Choice(tuple(given))
    if not isinstance(given, dict) or not {"low", "high"} <= given.keys() <= _BOUNDS:
        return Problem(where, f"{given!r}: {_FORM}")
    low, high, log = given["low"], given["high"], given.get("log", False)
    numbers = all(
        isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n) for n in (low, high)
    )
    if not numbers or not isinstance(log, bool) or low >= high or (log and low <= 0):
        return Problem(where, f"{given!r}: expected numbers with low < high, above 0 where log is true")
    return Range(low, high, log)


def _refused(file: Path, spec: Spec, key: str, found: Choice | Range) -> Iterator[Problem]:
    """Yield what the contract says against the values, each objection once."""
    said: set[tuple[str, str]] = set()
    for value in found.ends:
        try:
            with_values(spec, {key: value})
        except KeyError as error:
            yield Problem(f"{file}: {key}", f"recommender.yaml has nothing under {error.args[0]!r}")
            return
        except SpecError as error:
            for problem in error.problems:
                where = problem.where.removeprefix(f"{FILE_NAME}: ")
                if (where, problem.what) not in said:
                    said.add((where, problem.what))
                    at = "" if where == key else f"{where}: "
                    yield Problem(f"{file}: {key}", f"{value!r}: {at}{problem.what}")


def _put(content: Any, key: str, value: Any) -> None:
    *path, last = key.split(".")
    for part in path:
        place = _place(content, part)
        if place is None:
            if isinstance(content, list):
                raise KeyError(part)
            content[part], place = {}, part
        content = content[place]
        if isinstance(content, str):
            raise KeyError(part)
    content[last] = value


def _place(content: Any, part: str) -> Any:
    """Return where a part of a key leads: a mapping's key, or the place of the list's item of that name."""
    if isinstance(content, list):
        named = [n for n, item in enumerate(content) if isinstance(item, dict) and item.get("name") == part]
        return named[0] if named else None
    return part if isinstance(content, dict) and part in content else None
