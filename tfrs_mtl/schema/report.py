"""Where problems are collected while a spec is resolved, each at a key of its file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeVar

from tfrs_mtl.errors import Problem, nearest

Named = TypeVar("Named")


class Report:
    """All that was found wrong so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def say(self, key: str, what: str, severity: Literal["error", "hint"] = "error") -> None:
        """Note a problem at a key of the spec."""
        self.problems.append(Problem(f"{self.file}: {key}", what, severity))

    def say_all(self, problems: Iterable[Problem]) -> None:
        """Note problems that name their own place."""
        self.problems += problems

    def look_up(
        self, name: str, valid: Mapping[str, Named], *, key: str, noun: str, place: str
    ) -> Named | None:
        """Return what has a name; note its absence, and the nearest names, where nothing has."""
        if name not in valid:
            self.say(key, f"no {noun} {name!r} in {place}; {nearest(name, list(valid))}")
        return valid.get(name)
