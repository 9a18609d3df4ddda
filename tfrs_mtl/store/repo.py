"""The one door to Feast: a feature repo's catalogue, its rows, its past and its present."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from feast import FeatureService, FeatureStore
from feast.errors import FeastError
from feast.infra.offline_stores.offline_utils import get_offline_store_from_config
from feast.online_response import OnlineResponse

from tfrs_mtl.errors import DataError, Problem, RegistryError, StoreError
from tfrs_mtl.schema import Catalogue, Column, Side, View
from tfrs_mtl.store.connection import Connection
from tfrs_mtl.store.files import TIMESTAMP, read_view
from tfrs_mtl.store.logging import write_feast_log
from tfrs_mtl.store.online import Dated, decode, decode_times
from tfrs_mtl.store.push import Held, append_offline, push_online, read_held
from tfrs_mtl.store.registry import read_catalogue
from tfrs_mtl.store.registry_file import read_whole
from tfrs_mtl.store.types import MOMENT, arrow_type, conform

Span = tuple[datetime, datetime]

_ROW = "__tfrs_mtl_row"
_WRITING = Lock()  # Feast's duckdb store writes over one connection a process


class FeatureRepo:
    """A Feast feature repo. Make one per process: two `FeatureStore`s evict each other's registry cache."""

    def __init__(self, store: FeatureStore, path: Path) -> None:
        self._store = store
        self.path = path
        self._services: dict[str, FeatureService] = {}
        self._connection = Connection(store)

    @property
    def project(self) -> str:
        """Name of the Feast project."""
        return self._store.project

    @cached_property
    def catalogue(self) -> Catalogue:
        """What the registry holds."""
        with _translated("the registry cannot be read"):
            return read_catalogue(self._store, self.path)

    def rows(
        self,
        view: View,
        columns: Sequence[Column],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> pa.Table:
        """Return a view's raw rows with ``start <= time < end``, ordered by time.

        Returns:
            The given columns under the view's names, then ``event_timestamp``.
        """
        if view.source.path is not None:
            return read_view(view, columns, start=start, end=end)
        raw = {column.name: view.source.raw(column.name) for column in columns}
        with _translated(f"feature view {view.name!r} cannot be read"), self._inside(view):
            source = self._store.get_feature_view(view.name).batch_source
            assert source is not None
            offline = get_offline_store_from_config(self._store.config.offline_store)
            table = offline.pull_all_from_table_or_query(
                config=self._store.config,
                data_source=source,
                join_key_columns=[raw[c.name] for c in columns if c in view.keys],
                feature_name_columns=[raw[c.name] for c in columns if c not in view.keys],
                timestamp_field=view.source.timestamp,
                start_date=start or datetime(1970, 1, 1, tzinfo=timezone.utc),
                end_date=end or datetime(2200, 1, 1, tzinfo=timezone.utc),
            ).to_arrow()
        named = table.select([*raw.values(), view.source.timestamp]).rename_columns([*raw, TIMESTAMP])
        return _ordered(conform_rows(named, columns, origin=f"feature view {view.name!r}"), end)

    def historical(self, side: Side, rows: pa.Table) -> pa.Table:
        """Return a side's features as of each row's time, by Feast's `get_historical_features`.

        Args:
            rows: the side's join key and ``event_timestamp``, [n].

        Returns:
            One column a fetched feature, named ``view__column``, [n], in the order of ``rows``.

        Raises:
            StoreError: Feast failed, or lost or added rows.
        """
        assert side.service is not None
        frame = rows.append_column(_ROW, pa.array(np.arange(len(rows)))).to_pandas()
        views = [selection.view for selection in side.service.selections]
        with (
            _translated(f"historical features of {side.service.name!r} cannot be read"),
            self._inside(*views),
        ):
            table = self._store.get_historical_features(
                entity_df=frame, features=self._service(side.service.name), full_feature_names=True
            ).to_arrow()
        if len(table) != len(rows):
            raise StoreError(
                f"feature service {side.service.name!r}: {len(rows)} rows went into Feast's point-in-time "
                f"join, {len(table)} came out (offline store {self.catalogue.offline_store!r}); use 'duckdb'"
            )
        ordered = table.sort_by(_ROW)
        wanted = [(f.name, Column(f.name, f.dtype)) for f in side.fetched]
        return conform(ordered, wanted, origin=f"feature service {side.service.name!r}")

    def online(self, side: Side, keys: Sequence[int | str], *, at: datetime) -> pa.Table:
        """Return a side's features as the online store has them, values older than their TTL as null.

        Feast enforces the TTL offline alone; we apply it to both, inclusive, at the given moment.

        Returns:
            One column a fetched feature, [len(keys)].
        """
        assert side.service is not None
        if not keys:
            return pa.table({f.name: pa.nulls(0, arrow_type(f.dtype)) for f in side.fetched})
        with _translated(f"online features of {side.service.name!r} cannot be read"):
            return decode(self._ask(side, keys), side, size=len(keys), at=at)

    def online_dated(self, side: Side, keys: Sequence[int | str], *, at: datetime) -> Dated:
        """Return what ``online`` does, of at least one key, with the event times of what is held."""
        assert side.service is not None
        with _translated(f"online features of {side.service.name!r} cannot be read"):
            response = self._ask(side, keys)
            values = decode(response, side, size=len(keys), at=at)
            return Dated(values, decode_times(response, side, size=len(keys)))

    def _ask(self, side: Side, keys: Sequence[int | str]) -> OnlineResponse:
        assert side.service is not None
        callers = {caller for s in side.service.selections for _, caller in s.join_keys}
        with self._connection.reading():
            return self._store.get_online_features(
                features=self._service(side.service.name),
                entity_rows={caller: list(keys) for caller in callers},
                full_feature_names=True,
            )

    def materialisations(self, side: Side) -> dict[str, tuple[Span, ...]]:
        """Return the spans of time that a side's views were materialised for, one a run, by view.

        Of a file that nobody wrote since the last look, this costs no read.

        Raises:
            StoreError: the registry cannot be read.
        """
        registry = self._store.config.registry
        # Feast looks at the file's time itself; of any other registry the cache may be minutes old.
        by_stamp = registry.registry_type == "file" and registry.cache_mode == "sync"
        views = side.service.selections if side.service is not None else ()
        with _translated("the registry cannot be read"):
            found = [self._store.get_feature_view(s.view.name, allow_registry_cache=by_stamp) for s in views]
        return {view.name: tuple(view.materialization_intervals) for view in found}

    def materialised(self, side: Side) -> datetime | None:
        """Return until when a side's views were materialised, the latest of them; None where none was."""
        spans = self.materialisations(side).values()
        return max((end for runs in spans for _, end in runs), default=None)

    def held(self, view: View, keys: Sequence[int | str]) -> Held:
        """Return the rows of some entities as the online store holds them, whatever their age."""
        with _translated(f"online rows of feature view {view.name!r} cannot be read"):
            return read_held(self._store, view, keys)

    def push(self, view: View, rows: pa.Table, *, now: datetime) -> None:
        """Push rows through a view's push source into the online store.

        The store may keep the row that was pushed last, not the newest: mind the event time.

        Args:
            rows: the view's join keys and features under their names, and ``event_timestamp``.
            now: the time of writing.

        Raises:
            StoreError: the view has no push source, or Feast failed.
        """
        with (
            _translated(f"rows of feature view {view.name!r} cannot be pushed"),
            self._connection.writing() as store,
        ):
            push_online(store, view, rows, now=now)

    def append(self, view: View, rows: pa.Table, *, now: datetime) -> None:
        """Append rows to the offline store's table of a view; arguments and errors as for ``push``."""
        with _translated(f"rows of feature view {view.name!r} cannot be appended"), _WRITING:
            append_offline(self._store, view, rows, now=now)

    def log_features(self, side: Side, served: pa.Table) -> bool:
        """Write served features to Feast's log, if the side's service has a ``logging_config``; say whether.

        Args:
            served: see ``tfrs_mtl.store.logging.to_feast_log``.

        Raises:
            StoreError: Feast failed.
        """
        if side.service is None or self._service(side.service.name).logging_config is None:
            return False
        with _translated(f"served features of {side.service.name!r} cannot be logged"), _WRITING:
            write_feast_log(self._store, self._service(side.service.name), side, served)
        return True

    def reopened(self) -> FeatureRepo:
        """Return the same repo with its registry read anew, over the same `FeatureStore`.

        Raises:
            StoreError: the registry cannot be read.
        """
        with _translated("the registry cannot be read"):
            self._store.refresh_registry()
        return FeatureRepo(self._store, self.path)

    def _service(self, name: str) -> FeatureService:
        """Hold the service object: fetching it costs 7 ms even from the cache."""
        if name not in self._services:
            self._services[name] = self._store.get_feature_service(name)
        return self._services[name]

    @contextmanager
    def _inside(self, *views: View) -> Iterator[None]:
        """Work inside the repo while Feast reads files: its duckdb store takes paths from the process's."""
        before = Path.cwd()
        moves = any(view.source.path is not None for view in views) and before != self.path
        if moves:
            os.chdir(self.path)
        try:
            yield
        finally:
            if moves:
                os.chdir(before)


def open_repo(path: Path) -> FeatureRepo:
    """Open the feature repo in a directory.

    Raises:
        RegistryError: the directory holds no readable feature_store.yaml.
    """
    root = path.resolve()
    file = root / "feature_store.yaml"
    if not file.is_file():
        raise RegistryError(Problem(str(file), "does not exist; name a Feast feature repo with -c"))
    try:
        store = FeatureStore(repo_path=str(root))
        read_whole(store)
        return FeatureRepo(store, root)
    except Exception as error:  # Feast raises pydantic, yaml and its own errors here
        raise RegistryError(Problem(str(file), f"Feast cannot open it: {error}")) from error


def conform_rows(table: pa.Table, columns: Sequence[Column], *, origin: str) -> pa.Table:
    """Cast raw rows to their registered types and their time to microseconds in UTC."""
    found = conform(table, [(c.name, c) for c in columns], origin=origin)
    stamp = table.column(TIMESTAMP)
    if not pa.types.is_timestamp(stamp.type):
        raise DataError(f"{origin}: the event time is {stamp.type}, expected a timestamp")
    return found.append_column(
        TIMESTAMP, stamp.cast(pa.timestamp("us", stamp.type.tz), safe=False).cast(MOMENT)
    )


def _ordered(table: pa.Table, end: datetime | None) -> pa.Table:
    """Order by time; Feast's end is inclusive, ours is not."""
    if end is not None:
        table = table.filter(pc.less(table.column(TIMESTAMP), pa.scalar(end, MOMENT)))
    return table.sort_by(TIMESTAMP)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn whatever the store behind Feast raises into our error, with its cause chained."""
    try:
        yield
    except (DataError, StoreError, RegistryError):
        raise
    except (FeastError, OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise StoreError(f"{what}: {type(error).__name__}: {error}") from error
    except Exception as error:  # drivers raise classes of their own, which we cannot know
        raise StoreError(f"{what}: {type(error).__name__}: {error}") from error
