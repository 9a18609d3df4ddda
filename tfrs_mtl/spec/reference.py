"""The reference of recommender.yaml for people: every key with its values, its default and its meaning.

Published by ``python -m tfrs_mtl.spec.reference > docs/recommender_yaml.md``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tfrs_mtl.spec.json_schema import json_schema

_HEAD = """\
# The keys of recommender.yaml

Written from the library's own models (`python -m tfrs_mtl.spec.reference > docs/recommender_yaml.md`): do not
edit. `tfrs-mtl check` holds a file against them. Unknown keys are refused. Editors complete and check it by
[its JSON schema](recommender.schema.json), with this as the file's first line:

```yaml
# yaml-language-server: $schema=recommender.schema.json
```

`<name>` stands for a name that you choose. A duration is `12h`, `28d` or `4w`; a span `50ms`, `30s`,
`10m`, `2h` or `1d`; a moment is a date or an ISO time, UTC where it has no zone."""

Node = Mapping[str, Any]


def reference() -> str:
    """Return the reference as it is published."""
    schema = json_schema()
    sections = _sections("", schema, schema["$defs"])
    return "\n\n".join([_HEAD, *sections]) + "\n"


def _sections(path: str, node: Node, named: Mapping[str, Node]) -> Iterator[str]:
    """Yield a section a mapping, the outer ones first."""
    # What stands above the table of the whole file would repeat the page's title.
    parts = [f"## `{path}`", node["description"]] if path else ["## The file"]
    yield "\n\n".join([*parts, _keys(_rows(node, named))])
    for name, key in node["properties"].items():
        for step, forms in _children(key, named):
            inner = f"{path}.{name}{step}".lstrip(".")
            if len(forms) == 1:
                yield from _sections(inner, forms[0], named)
            else:
                yield _forms(inner, forms, named)


def _children(key: Node, named: Mapping[str, Node]) -> Iterator[tuple[str, list[Node]]]:
    """Yield what a key holds that has keys of its own: the way there, and the forms it may take."""
    parts = [key, *key.get("anyOf", ()), *key.get("oneOf", ())]
    forms = [named[_name_of(part)] for part in parts if "$ref" in part]
    if forms:
        yield "", forms
    by_pattern = key.get("patternProperties", {}).values()
    for inner, step in (
        (key.get("items"), "[]"),
        (key.get("additionalProperties"), ".<name>"),
        *((found, ".<name>") for found in by_pattern),
    ):
        if isinstance(inner, dict):
            yield from ((f"{step}{deeper}", found) for deeper, found in _children(inner, named))


def _forms(path: str, forms: list[Node], named: Mapping[str, Node]) -> str:
    """Return the section of a mapping that has several forms, chosen by one of its keys."""
    tag = next(name for name, key in forms[0]["properties"].items() if "const" in key)
    table = [f"| `{tag}` | meaning | further keys |", "|---|---|---|"]
    for form in forms:
        further = [
            f"`{name}`" + (" (required)" if name in form.get("required", ()) else "")
            for name in form["properties"]
            if name != tag
        ]
        value = form["properties"][tag]["const"]
        table.append(f"| `{value}` | {_escaped(form['description'])} | {', '.join(further)} |")
    # A key that several forms have is told once, as the first of them tells it.
    told: dict[str, str] = {}
    for form in forms:
        for name, key in form["properties"].items():
            told.setdefault(name, _row(name, key, named, is_required=False))
    del told[tag]
    lead = f"One of several forms, by its `{tag}`."
    return "\n\n".join([f"## `{path}`", lead, "\n".join(table), _keys([*told.values()])])


def _keys(rows: list[str]) -> str:
    return "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows])


def _rows(node: Node, named: Mapping[str, Node]) -> list[str]:
    required = node.get("required", ())
    return [_row(name, key, named, is_required=name in required) for name, key in node["properties"].items()]


def _row(name: str, key: Node, named: Mapping[str, Node], *, is_required: bool) -> str:
    default = "required" if is_required else _default(key)
    meaning = key.get("description") or named[_name_of(key)]["description"]
    return f"| `{name}` | {_values(key, named)} | {default} | {_escaped(meaning)} |"


def _default(key: Node) -> str:
    default = key.get("default")
    return (
        ""
        if default in (None, [], {}) or isinstance(default, dict)
        else f"`{json.dumps(default).strip(chr(34))}`"
    )


def _values(key: Node, named: Mapping[str, Node]) -> str:
    if "const" in key:
        return f"`{key['const']}`"
    if "enum" in key:
        return ", ".join(f"`{value}`" for value in key["enum"])
    if "$ref" in key or "oneOf" in key:
        return "keys below"
    if _is_moment(key):
        return "moment"
    if "anyOf" in key:
        found = [_values(part, named) for part in key["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(found))
    return _simple(key, named)


def _simple(key: Node, named: Mapping[str, Node]) -> str:
    kind = key["type"]
    if kind == "array":
        if "prefixItems" in key:
            return f"[{', '.join(_values(part, named) for part in key['prefixItems'])}]"
        return f"list of {_values(key['items'], named)}"
    if kind == "object":
        inner = key.get("additionalProperties") or next(iter(key["patternProperties"].values()))
        return f"`<name>`: {_values(inner, named)}"
    if kind == "string":
        units = {"4w": "duration", "50ms": "span"}
        return next((units[e] for e in key.get("examples", ()) if e in units), "name")
    words = {"integer": "whole number", "boolean": "true, false"}
    return f"{words.get(kind, kind)}{_bounds(key)}"


def _is_moment(key: Node) -> bool:
    return any("format" in part or _is_moment(part) for part in key.get("anyOf", ()))


def _bounds(key: Node) -> str:
    least, most = (
        key.get("minimum", key.get("exclusiveMinimum")),
        key.get("maximum", key.get("exclusiveMaximum")),
    )
    if least is None or isinstance(key.get("default"), bool):
        return ""
    low = f"above {least}" if "exclusiveMinimum" in key else f"{least}"
    if most is None:
        return f", {low}" + ("" if "exclusiveMinimum" in key else " or more")
    return f", {low} to {'below ' if 'exclusiveMaximum' in key else ''}{most}"


def _name_of(key: Node) -> str:
    return str(key["$ref"]).rpartition("/")[2]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;") if "`" not in text else text.replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")
