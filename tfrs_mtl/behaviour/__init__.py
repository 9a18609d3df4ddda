"""Behaviour features: windows and last-N lists, snapshotted in time by DuckDB SQL."""

from tfrs_mtl.behaviour.build import BuildReport, Limits, build_view
from tfrs_mtl.behaviour.events import EventsTable, ItemsTable
from tfrs_mtl.behaviour.job import Progress

__all__ = ["BuildReport", "EventsTable", "ItemsTable", "Limits", "Progress", "build_view"]
