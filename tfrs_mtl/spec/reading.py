"""YAML as we take it: no key twice, and every mistake with its line."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from tfrs_mtl.errors import Problem, SpecError


class _Loader(yaml.SafeLoader):
    """YAML silently keeps the last of two equal keys; we refuse them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        # Merged keys (<<) may be written over; those that stand in the file may not.
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(
                    None, None, "expected a name as a key", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        content: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return content

    def construct_scalar_or_text(self, node: yaml.ScalarNode) -> Any:
        """Return a date, or the text of what only looks like one (2024-02-30): its key is named later."""
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return self.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_scalar_or_text)


def read_content(file: Path) -> object:
    """Return the parsed content of a YAML file.

    Raises:
        SpecError: the file cannot be read, or is no YAML; the message names the line.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SpecError(
            Problem(str(file), "does not exist; `tfrs-mtl init` writes one to start from")
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(Problem(str(file), f"cannot be read: {error}")) from error
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        context = f"{error.context}: " if error.context else ""
        raise SpecError(Problem(str(file), f"is not valid YAML: {where}{context}{error.problem}")) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecError(Problem(str(file), f"is not valid YAML: {error}")) from error
