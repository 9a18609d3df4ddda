"""Pydantic's errors in our words: the path as in the YAML, what was expected, what came, the valid names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from tfrs_mtl.errors import closest, listing, nearest

Path = tuple[str | int, ...]
Models = tuple[type[BaseModel], ...]

_EXPECTED = {
    "string_type": "a name",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "string_pattern_mismatch": "letters, digits and underscores, a letter first",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "a name",
    "too_short": "at least {min_length} of it",
    "too_long": "at most {max_length} of it",
    "greater_than_equal": "at least {ge:g}",
    "greater_than": "more than {gt:g}",
    "less_than_equal": "at most {le:g}",
    "less_than": "less than {lt:g}",
    "finite_number": "a finite number",
}


@dataclass(frozen=True)
class Fault:
    """One mistake in the content of a recommender.yaml.

    Attributes:
        path: the keys that lead to it, as in the YAML.
        what: what came and what was expected.
        kind: ``unknown`` for a key that cannot be, ``missing`` for one that is not there, else ``value``.
        meant: the valid key or value that is nearest to what came, if one is near.
    """

    path: Path
    what: str
    kind: str = "value"
    meant: str | None = None


def explain(error: ValidationError, root: type[BaseModel]) -> Iterator[Fault]:
    """Yield each of pydantic's errors about ``root`` in our words."""
    for item in error.errors(include_url=False):
        location = tuple(item["loc"])
        is_key = bool(location) and location[-1] == "[key]"
        path, models = _walk(location[:-1] if is_key else location, root)
        yield _fault(path, item, models, is_key=is_key)


def _fault(path: Path, item: Mapping[str, Any], models: Models, *, is_key: bool) -> Fault:
    kind, got, context = item["type"], item["input"], item.get("ctx", {})
    if kind == "extra_forbidden":
        valid = sorted({name for model in models for name in model.model_fields})
        return Fault(
            path, f"unknown key; {nearest(str(path[-1]), valid)}", "unknown", closest(str(path[-1]), valid)
        )
    if kind == "missing":
        return Fault(path, "is missing, and has no default", "missing")
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _tag_fault((*path, context["discriminator"].strip("'")), item, models)
    if kind == "literal_error":
        return _literal_fault(path, got, context["expected"])
    if kind in ("fault", "value_error"):
        return Fault(path, str(item["msg"]).removeprefix("Value error, "), meant=context.get("meant"))
    expected = _EXPECTED.get(kind) or _EXPECTED.get(kind.partition("_")[0])
    if expected is None:
        return Fault(path, f"{item['msg']}; got {shown(got)}")
    what = f"expected {expected.format(**context)}, got {shown(got)}{_remedy(kind, got)}"
    return Fault(path, f"as a key, {what}", "unknown") if is_key else Fault(path, what)


def _unknown(path: Path, names: Iterable[str]) -> Fault:
    valid, came = sorted(names), str(path[-1])
    return Fault(path, f"unknown key; {nearest(came, valid)}", "unknown", closest(came, valid))


def _tag_fault(path: Path, item: Mapping[str, Any], models: Models) -> Fault:
    """Say which tags are valid; a misspelt discriminator is an unknown key like any other."""
    key, context = str(path[-1]), item["ctx"]
    tags = [tag for model in models if (tag := _tag(model, key))]
    if "tag" in context:
        got = str(context["tag"])
        return Fault(path, f"no {key} {got!r}; {nearest(got, tags)}", meant=closest(got, tags))
    misspelt = closest(key, [str(name) for name in item["input"]])
    if misspelt is not None:
        return _unknown((*path[:-1], misspelt), {name for model in models for name in model.model_fields})
    return Fault(path, f"is missing; valid: {listing(tags)}")


def _literal_fault(path: Path, got: object, expected: str) -> Fault:
    if path == ("version",):
        return Fault(path, f"this library reads version {expected}, got {shown(got)}")
    valid = re.findall(r"'([^']*)'", expected)
    if not isinstance(got, str):
        return Fault(path, f"expected one of {listing(valid)}, got {shown(got)}")
    return Fault(path, f"got {got!r}; {nearest(got, valid)}", meant=closest(got, valid))


def _remedy(kind: str, got: object) -> str:
    if kind == "string_type" and isinstance(got, bool):
        return " (YAML reads an unquoted yes, no, on or off so: quote it)"
    if kind == "string_type" and got is not None and not isinstance(got, dict | list):
        return ": quote it"
    if got is None:
        return "; leave the key out for its default"
    if kind == "tuple_type" and isinstance(got, str):
        return f": write [{got}]"
    return ""


def shown(value: object) -> str:
    """Return a value as a message shows it: short, and nothing where YAML has nothing."""
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _walk(location: Path, root: type[BaseModel]) -> tuple[Path, Models]:
    """Return a location without pydantic's tags of unions, and the models at its end, or around it."""
    path: list[str | int] = []
    annotation: Any = root
    models: Models = (root,)
    for part in location:
        models = _models(annotation) or models
        if len(models) > 1 and _is_union(annotation):
            annotation = next(
                (m for m in models if part in (_tag(m, "measure"), _tag(m, "name"))), annotation
            )
            models = _models(annotation)
            continue
        path.append(part)
        annotation = _inner(annotation, part)
    return tuple(path), _models(annotation) or models


def _inner(annotation: Any, part: str | int) -> Any:
    """Return the annotation of a field, of a mapping's values, or of a list's entries."""
    annotation = _bare(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        return field.annotation if field else None
    arguments = get_args(annotation)
    return arguments[-1] if get_origin(annotation) is dict else (arguments[0] if arguments else None)


def _bare(annotation: Any) -> Any:
    """Return an annotation without ``Annotated`` and without ``| None``."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    rest = [a for a in get_args(annotation) if a is not NoneType]
    return _bare(rest[0]) if len(rest) == 1 and NoneType in get_args(annotation) else annotation


def _is_union(annotation: Any) -> bool:
    return get_origin(_bare(annotation)) not in (None, dict, tuple)


def _models(annotation: Any) -> Models:
    """Return the models that a value of this annotation may be: one, or those of a union."""
    annotation = _bare(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,)
    return tuple(m for a in get_args(annotation) for m in _models(a)) if _is_union(annotation) else ()


def _tag(model: type[BaseModel], discriminator: str) -> str | None:
    field = model.model_fields.get(discriminator)
    values = get_args(field.annotation) if field else ()
    return values[0] if values and isinstance(values[0], str) else None
