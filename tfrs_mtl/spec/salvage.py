"""A faulty recommender.yaml, read as far as it can be read: what is wrong, and a spec of the rest.

Each mistake is reported once, then mended for the sake of the others: a misspelt key or value counts as the
nearest valid one, and what cannot be guessed becomes a hole, filled with something valid. Nobody may
complain of what stands in a hole.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tfrs_mtl.errors import Problem, SpecError
from tfrs_mtl.spec import explain as words
from tfrs_mtl.spec.reading import read_content
from tfrs_mtl.spec.recommender import Spec

FILE_NAME = "recommender.yaml"
_ROUNDS = 100
_HOLE = "<unknown>"
_TASK = {"name": "unknown", "kind": "binary", "label": _HOLE}
_FEATURE = ("behaviour", "views", "*", "features", "*")
_FILLERS: dict[tuple[str, ...], object] = {
    ("version",): 1,
    ("name",): "unnamed",
    ("query",): {"entity": _HOLE},
    ("query", "entity"): _HOLE,
    ("item",): {"entity": _HOLE},
    ("item", "entity"): _HOLE,
    ("item", "display", "*"): _HOLE,
    ("interactions",): {"view": _HOLE},
    ("interactions", "view"): _HOLE,
    ("interactions", "context", "*"): _HOLE,
    ("split",): {"validation": "2000-01-01", "test": "2000-01-02"},
    ("behaviour", "views", "*"): {"of": "query", "features": {_HOLE: {"measure": "count"}}},
    ("behaviour", "views", "*", "of"): "query",
    ("behaviour", "views", "*", "features"): {_HOLE: {"measure": "count"}},
    _FEATURE: {"measure": "count"},
    (*_FEATURE, "column"): _HOLE,
    (*_FEATURE, "where"): _HOLE,
    (*_FEATURE, "of"): _HOLE,
    ("inputs", "*"): {},
    ("retrieval", "hidden", "*"): 1,
    ("ranking",): {"tasks": [_TASK]},
    ("ranking", "hidden", "*"): 1,
    ("ranking", "tower", "*"): 1,
    ("ranking", "negatives"): {},
    ("ranking", "tasks"): [_TASK],
    ("ranking", "tasks", "*"): _TASK,
    ("ranking", "tasks", "*", "name"): "unknown",
    ("ranking", "tasks", "*", "kind"): "binary",
    ("ranking", "tasks", "*", "label"): _HOLE,
}
# What hangs on these is unknown with them: the whole section is a hole.
_DECISIVE = {
    ("split", "validation"),
    ("split", "test"),
    ("split", "end"),
    (*_FEATURE, "measure"),
    ("ranking", "architecture", "name"),
    ("ranking", "architecture", "over", "name"),
}
# Which tasks there are is unknown with these.
_NAMING = {
    ("ranking",),
    ("ranking", "tasks"),
    ("ranking", "tasks", "*"),
    ("ranking", "tasks", "*", "name"),
    ("ranking", "tasks", "*", "kind"),
}
# Which features there are is unknown with these.
_OFFERING = re.compile(r"(query|item)(\.features)?|interactions(\.context(\.\d+)?)?")
_OWNER = ("behaviour", "views", "*", "of")


@dataclass(frozen=True)
class Salvage:
    """What could be read of a recommender.yaml.

    Attributes:
        file: its name in the problems.
        spec: equal to the file where that is right; None where there was nothing to hold on to.
        problems: all that is wrong with the file by itself.
        holes: paths of which nothing is known.
    """

    file: str
    spec: Spec | None
    problems: tuple[Problem, ...] = ()
    holes: tuple[str, ...] = ()

    def is_hole(self, key: str) -> bool:
        """Whether a path lies in a hole."""
        return any(key == hole or key.startswith(f"{hole}.") for hole in self.holes)

    def is_sure_of(self, problem: Problem) -> bool:
        """Whether a problem that was found in the spec is one of the file too, not of what fills a hole."""
        key = problem.where.removeprefix(f"{self.file}: ")
        features_unknown = key.startswith("inputs.") and any(map(_OFFERING.fullmatch, self.holes))
        return not self.is_hole(key) and not features_unknown


def salvage_spec(path: Path) -> Salvage:
    """Read one recommender.yaml (or the file of that name in a directory) as far as it can be read."""
    file = path / FILE_NAME if path.is_dir() else path
    try:
        return salvage(read_content(file), file=str(file))
    except SpecError as error:
        return Salvage(str(file), None, error.problems)


def salvage(content: object, *, file: str = FILE_NAME) -> Salvage:
    """Read the parsed content of a recommender.yaml as far as it can be read."""
    if not isinstance(content, dict):
        came = "is empty" if content is None else f"holds {words.shown(content)}"
        keys = ", ".join(Spec.model_fields)
        return Salvage(file, None, (Problem(file, f"{came}; expected a mapping with the keys {keys}"),))
    mending = _Mending(copy.deepcopy(content))
    for _ in range(_ROUNDS):
        try:
            spec = Spec.model_validate(mending.content)
        except ValidationError as error:
            mending.round(list(words.explain(error, Spec)))
        else:
            return Salvage(file, spec, mending.told(file), tuple(map(_text, mending.holes)))
    return Salvage(file, None, mending.told(file))


class _Mending:
    """The content under repair, what was wrong with it, and where nothing is known of it."""

    def __init__(self, content: dict[Any, Any]) -> None:
        self.content = content
        self.faults: list[words.Fault] = []
        self.holes: list[words.Path] = []

    def told(self, file: str) -> tuple[Problem, ...]:
        return tuple(Problem(f"{file}: {_text(f.path)}" if f.path else file, f.what) for f in self.faults)

    def round(self, faults: list[words.Fault]) -> None:
        """Note the faults that are new, and mend all."""
        renamed = {
            (*f.path[:-1], f.meant)
            for f in faults
            if f.kind == "unknown" and f.meant is not None and f.meant not in _at(self.content, f.path[:-1])
        }
        before = len(self.holes)
        for fault in faults:
            if fault.kind == "missing" and fault.path in renamed:
                continue
            if not self._is_consequence(fault, self.holes[:before]):
                self.faults.append(fault)
            if not _is_within(fault.path[:-1], self.holes[before:]):
                self._mend(fault, is_renamed=(*fault.path[:-1], fault.meant) in renamed)

    def _is_consequence(self, fault: words.Fault, holes: list[words.Path]) -> bool:
        """Whether a fault speaks of what fills a hole, or of tasks that are not known."""
        names_task = any(words in fault.what for words in ("no task", "no binary task", "is for tasks"))
        tasks_unknown = any(_pattern(hole) in _NAMING for hole in holes)
        return _is_within(fault.path, holes) or (names_task and tasks_unknown)

    def _mend(self, fault: words.Fault, *, is_renamed: bool) -> None:
        parent = _at(self.content, fault.path[:-1])
        if fault.kind == "unknown":
            value = parent.pop(fault.path[-1])
            if is_renamed:
                parent[fault.meant] = value
        elif fault.meant is not None:
            # An architecture may stand there by its name alone.
            path = fault.path if isinstance(parent, dict) else fault.path[:-1]
            _put(self.content, path, fault.meant)
        else:
            self._dig(fault.path[:-1] if _pattern(fault.path) in _DECISIVE else fault.path)

    def _dig(self, path: words.Path) -> None:
        """Make a hole and fill it with what is valid there, or with nothing where a default will do."""
        pattern = _pattern(path)
        self.holes.append(path[:-1] if pattern == _OWNER else path)
        if pattern in _FILLERS:
            _put(self.content, path, _filler(path))
        elif path:
            _at(self.content, path[:-1]).pop(path[-1], None)


def _filler(path: words.Path) -> object:
    """Return what is valid at a path; a task's name says its position, so that no two are equal."""
    pattern = _pattern(path)
    filler = copy.deepcopy(_FILLERS[pattern])
    if pattern == ("ranking", "tasks", "*"):
        return {**_TASK, "name": f"unknown{path[2]}"}
    return f"unknown{path[2]}" if pattern == ("ranking", "tasks", "*", "name") else filler


def _is_within(path: words.Path, holes: list[words.Path]) -> bool:
    return any(path[: len(hole)] == hole for hole in holes)


def _at(content: Any, path: words.Path) -> Any:
    for part in path:
        content = content[part]
    return content


def _put(content: Any, path: words.Path, value: object) -> None:
    _at(content, path[:-1])[path[-1]] = value


def _pattern(path: words.Path) -> tuple[str, ...]:
    """Return a path with * for names that a shop chooses and for positions."""
    free = {("behaviour", "views"): 2, ("inputs",): 1, ("objective",): 1}
    parts: list[str] = ["*" if isinstance(part, int) else str(part) for part in path]
    for start, position in free.items():
        if tuple(parts[: len(start)]) == start and len(parts) > position:
            parts[position] = "*"
    if parts[:2] == ["behaviour", "views"] and parts[3:4] == ["features"] and len(parts) > 4:
        parts[4] = "*"
    return tuple(parts)


def _text(path: words.Path) -> str:
    return ".".join(map(str, path))
