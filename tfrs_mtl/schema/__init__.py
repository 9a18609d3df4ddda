"""Names resolved against the registry: join keys, types, roles."""

from tfrs_mtl.schema.catalogue import Catalogue, Column, DType, Entity, Selection, Service, Source, View
from tfrs_mtl.schema.pairs import attribute_column
from tfrs_mtl.schema.recording import histories
from tfrs_mtl.schema.resolve import examine, resolve
from tfrs_mtl.schema.resolved import Feature, Pair, Schema, Side

__all__ = [
    "Catalogue",
    "Column",
    "DType",
    "Entity",
    "Feature",
    "Pair",
    "Schema",
    "Selection",
    "Service",
    "Side",
    "Source",
    "View",
    "attribute_column",
    "examine",
    "histories",
    "resolve",
]
