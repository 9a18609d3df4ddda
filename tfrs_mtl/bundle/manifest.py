"""What a bundle says of itself: where it comes from, what it was made for, and each file's size and hash."""

from __future__ import annotations

import json
import re
import secrets
from datetime import datetime, timezone
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from tfrs_mtl.bundle.compare import SchemaTypes
from tfrs_mtl.errors import BundleError

FORMAT = 3
"""The version of the bundle's layout that this library writes and reads."""

_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")


def new_id(created: datetime) -> str:
    """Return a new bundle's id: its moment in UTC, which orders ids by time, and six random hex digits."""
    return f"{created.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def is_id(text: str) -> bool:
    """Tell whether a text has the form of a bundle id."""
    return _ID.fullmatch(text) is not None


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or parts[0] == "/" or ".." in parts or str(PurePosixPath(path)) != path:
        raise ValueError(f"expected a plain path inside the bundle, got {path!r}")
    return path


class FileRecord(BaseModel):
    """Size and hash of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Manifest(BaseModel):
    """The content of manifest.json.

    Attributes:
        format: version of the bundle's layout.
        id: the bundle's id and directory name; later bundles sort after earlier ones.
        name: the spec's name.
        created: when it was written, UTC.
        at: the moment of the item snapshot inside.
        seed: the seed of everything random in its making.
        versions: what made it, package -> version.
        spec: recommender.yaml as it was.
        types: the resolved types that a live registry must not contradict.
        metrics: what evaluation found.
        files: path relative to the bundle -> size and hash; the manifest itself is not among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    format: int
    id: str = Field(pattern=f"^{_ID.pattern}$")
    name: str
    created: AwareDatetime
    at: AwareDatetime
    seed: int
    versions: dict[str, str]
    spec: dict[str, JsonValue]
    types: SchemaTypes
    metrics: dict[str, JsonValue]
    files: dict[Annotated[str, AfterValidator(_inside)], FileRecord]


def parse_manifest(text: bytes, *, file: str) -> Manifest:
    """Parse manifest.json; ``file`` is named in the errors.

    Raises:
        BundleError: not JSON, another format version, or a field that is missing or wrong.
    """
    try:
        content: Any = json.loads(text)
    except ValueError as error:
        raise BundleError(f"{file}: is not valid JSON: {error}") from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise BundleError(
            f"{file}: expected bundle format {FORMAT}, found {found!r}: "
            "made by another version of tfrs-mtl; install that one, or train again"
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BundleError(f"{file}: {faults}") from error
