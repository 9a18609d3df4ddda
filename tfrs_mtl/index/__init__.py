"""Nearest items by dot product: one protocol, its implementations, and the names they go by."""

from tfrs_mtl.index.exact import ExactIndex
from tfrs_mtl.index.limits import kept
from tfrs_mtl.index.protocol import Excluded, Found, Index
from tfrs_mtl.index.recall import recall_at
from tfrs_mtl.index.registry import INDEXES, index_named

__all__ = [
    "ExactIndex",
    "Excluded",
    "Found",
    "INDEXES",
    "Index",
    "index_named",
    "kept",
    "recall_at",
]
