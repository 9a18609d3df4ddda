"""What a Feast registry holds, in plain frozen values: the door reads it, everyone else reads this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

Base = Literal["int", "float", "string", "bool", "timestamp", "unsupported"]


@dataclass(frozen=True)
class DType:
    """The type of a column as far as we tell types apart.

    Attributes:
        base: the type of one value.
        is_list: whether a row holds a list of them.
        text: the type in Feast's own words, for messages.
    """

    base: Base
    is_list: bool
    text: str


@dataclass(frozen=True)
class Column:
    """A named, typed column of a feature view."""

    name: str
    dtype: DType


@dataclass(frozen=True)
class Source:
    """Where a feature view's rows lie.

    Attributes:
        kind: Feast's class name, e.g. ``FileSource``.
        path: absolute path of a local parquet file or directory; None for every other kind of source.
        timestamp: column of the event time.
        created: column of the writing time that breaks ties, if any.
        renames: (name in the source, name in the view) of each renamed column.
        given: the path as the definitions write it, for a FileSource.
        has_format: whether the definitions say which file format it is.
    """

    kind: str
    path: Path | None
    timestamp: str
    created: str | None
    renames: tuple[tuple[str, str], ...] = ()
    given: str = ""
    has_format: bool = False

    def raw(self, name: str) -> str:
        """Return the source's own name of a view's column."""
        return next((old for old, new in self.renames if new == name), name)


@dataclass(frozen=True)
class Entity:
    """An entity of the registry and the type of its join key."""

    name: str
    join_key: str


@dataclass(frozen=True)
class View:
    """A feature view: its join keys, features, time to live, source, and push source by name."""

    name: str
    entities: tuple[str, ...]
    keys: tuple[Column, ...]
    columns: tuple[Column, ...]
    ttl: timedelta | None
    source: Source
    online: bool = True
    push: str | None = None

    def column(self, name: str) -> Column | None:
        """Return the feature or join key of that name."""
        return next((c for c in self.columns + self.keys if c.name == name), None)


@dataclass(frozen=True)
class Selection:
    """A view as one feature service uses it: under a name, some features, maybe other join keys."""

    view: View
    name: str
    columns: tuple[Column, ...]
    join_keys: tuple[tuple[str, str], ...]
    """(the view's join key, the column of the caller's table that it is matched with)."""


@dataclass(frozen=True)
class Service:
    """A feature service. ``foreign`` names its parts that are no plain feature view (on-demand views)."""

    name: str
    selections: tuple[Selection, ...]
    foreign: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """A registry: where it is, which offline store stands behind it, and what it holds, by name."""

    origin: str
    offline_store: str
    entities: Mapping[str, Entity]
    views: Mapping[str, View]
    services: Mapping[str, Service]

    @property
    def is_duckdb(self) -> bool:
        """Whether Feast reads its files by duckdb; a store may be given by its class path too."""
        return self.offline_store == "duckdb" or self.offline_store.endswith(".DuckDBOfflineStore")

    @property
    def is_dask(self) -> bool:
        """Whether Feast reads its files by dask, its default."""
        return self.offline_store in ("dask", "file") or self.offline_store.endswith(".DaskOfflineStore")
