"""Reading recommender.yaml, with every problem found at once and named by file and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from tfrs_mtl.errors import Problem, SpecError, nearest
from tfrs_mtl.spec.recommender import Spec

FILE_NAME = "recommender.yaml"


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML silently keeps the last of two equal keys; we refuse them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def load_spec(path: Path) -> Spec:
    """Read and check one recommender.yaml (or the file of that name in a directory).

    Raises:
        SpecError: with every problem of the file, each naming the file, the key, what came and what is valid.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(Problem(str(file), f"cannot be read: {error}")) from error
    try:
        content = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise SpecError(Problem(str(file), f"is not valid YAML: {error}")) from error
    return parse_spec(content, file=str(file))


def parse_spec(content: object, *, file: str = FILE_NAME) -> Spec:
    """Check the parsed content of a recommender.yaml; ``file`` is named in the problems."""
    if not isinstance(content, dict):
        raise SpecError(Problem(file, f"expected a mapping with the keys {sorted(Spec.model_fields)}"))
    try:
        return Spec.model_validate(content)
    except ValidationError as error:
        raise SpecError(_to_problem(file, item) for item in error.errors()) from error


def _to_problem(file: str, error: Any) -> Problem:
    location = tuple(error["loc"])
    key = ".".join(str(part) for part in location)
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        valid = _valid_keys(location[:-1])
        message = f"unknown key; {nearest(str(location[-1]), valid)}" if valid else "unknown key"
    elif error["type"] == "missing":
        message = "is missing, and has no default"
    elif error["type"] != "value_error":
        message = f"{message}; got {error['input']!r}"
    return Problem(f"{file}: {key}" if key else file, message)


def _valid_keys(location: tuple[str | int, ...]) -> list[str]:
    """Follow a path of keys through the models and return the keys that are valid at its end."""
    candidates: list[type[BaseModel]] = [Spec]
    for part in location:
        following = []
        for model in candidates:
            if part in model.model_fields:
                following += _models_in(model.model_fields[str(part)].annotation)
            elif _tag(model) == part:
                following.append(model)
        candidates = following or candidates
    return sorted({name for model in candidates for name in model.model_fields})


def _tag(model: type[BaseModel]) -> str | None:
    for name in ("measure", "name"):
        values = get_args(model.model_fields[name].annotation) if name in model.model_fields else ()
        if values and isinstance(values[0], str):
            return values[0]
    return None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
