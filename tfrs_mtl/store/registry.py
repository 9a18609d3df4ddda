"""Reading a Feast registry into a plain catalogue."""

from __future__ import annotations

from pathlib import Path

from feast import BatchFeatureView, FeatureService, FeatureStore, FeatureView, StreamFeatureView
from feast.data_source import DataSource, PushSource
from feast.feature_view_projection import FeatureViewProjection
from feast.infra.offline_stores.file_source import FileSource

from tfrs_mtl.schema import Catalogue, Column, Entity, Selection, Service, Source, View
from tfrs_mtl.store.types import to_dtype

_PLAIN = (FeatureView, BatchFeatureView, StreamFeatureView)


def read_catalogue(store: FeatureStore, root: Path) -> Catalogue:
    """Read all entities, plain feature views and services of the store's project."""
    entities = {e.name: Entity(e.name, e.join_key) for e in store.list_entities()}
    views = {v.name: _view(v, root) for v in store.list_all_feature_views() if isinstance(v, _PLAIN)}
    services = {s.name: _service(s, views) for s in store.list_feature_services()}
    return Catalogue(
        origin=f"the registry of project {store.project!r} ({store.config.registry.path})",
        offline_store=str(store.config.offline_store.type),
        entities=entities,
        views=views,
        services=services,
    )


def _view(view: FeatureView, root: Path) -> View:
    return View(
        name=view.name,
        entities=tuple(view.entities),
        keys=tuple(Column(f.name, to_dtype(f.dtype)) for f in view.entity_columns),
        columns=tuple(Column(f.name, to_dtype(f.dtype)) for f in view.features),
        ttl=view.ttl or None,
        source=_source(view.batch_source, root),
        online=view.online,
        push=view.stream_source.name if isinstance(view.stream_source, PushSource) else None,
    )


def _source(source: DataSource | None, root: Path) -> Source:
    if source is None:
        return Source("no batch source", None, "", None)
    file = source if isinstance(source, FileSource) else None
    return Source(
        kind=type(source).__name__,
        path=_local_path(file, root) if file else None,
        timestamp=source.timestamp_field,
        created=source.created_timestamp_column or None,
        renames=tuple(source.field_mapping.items()),
        given=file.path if file else "",
        has_format=file is not None and file.file_format is not None,
    )


def _local_path(source: FileSource, root: Path) -> Path | None:
    """Return where a parquet source lies; a relative path is relative to the feature repo."""
    is_parquet = source.file_format is None or type(source.file_format).__name__ == "ParquetFormat"
    text = source.path.removeprefix("file://")
    if "://" in text or not is_parquet:
        return None
    return (root / text).resolve()


def _service(service: FeatureService, views: dict[str, View]) -> Service:
    selections, foreign = [], []
    for projection in service.feature_view_projections:
        if projection.name in views:
            selections.append(_selection(projection, views[projection.name]))
        else:
            foreign.append(projection.name)
    return Service(service.name, tuple(selections), tuple(foreign))


def _selection(projection: FeatureViewProjection, view: View) -> Selection:
    callers = projection.join_key_map or {}
    return Selection(
        view=view,
        name=projection.name_alias or projection.name,
        columns=tuple(Column(f.name, to_dtype(f.dtype)) for f in projection.features),
        join_keys=tuple((key.name, callers.get(key.name, key.name)) for key in view.keys),
    )
