"""Bundles: directories of files that are whole or absent, and the one that is current."""

from tfrs_mtl.bundle.compare import SchemaTypes, SideTypes, contradictions, require_agreement
from tfrs_mtl.bundle.manifest import FORMAT, FileRecord, Manifest
from tfrs_mtl.bundle.sealed import Bundle
from tfrs_mtl.bundle.store import CURRENT, BundleStore, Entry

__all__ = [
    "Bundle",
    "BundleStore",
    "CURRENT",
    "Entry",
    "FORMAT",
    "FileRecord",
    "Manifest",
    "SchemaTypes",
    "SideTypes",
    "contradictions",
    "require_agreement",
]
