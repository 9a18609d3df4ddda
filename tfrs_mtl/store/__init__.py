"""The one door to Feast: catalogue, rows, features as of a time, features now."""

from tfrs_mtl.store.files import TIMESTAMP, connect, from_file, moment, quoted, read_view, remedy, scan
from tfrs_mtl.store.online import Dated
from tfrs_mtl.store.repo import FeatureRepo, open_repo
from tfrs_mtl.store.types import MOMENT, arrow_type, conform, whole_seconds

__all__ = [
    "Dated",
    "FeatureRepo",
    "MOMENT",
    "TIMESTAMP",
    "arrow_type",
    "conform",
    "connect",
    "from_file",
    "moment",
    "open_repo",
    "quoted",
    "read_view",
    "remedy",
    "scan",
    "whole_seconds",
]
