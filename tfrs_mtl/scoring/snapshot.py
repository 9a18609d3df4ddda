"""The items at a moment, encoded and indexed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from tfrs_mtl.dataset.examples import Arrays
from tfrs_mtl.dataset.frames import ITEM_ID, Frame, item_frame
from tfrs_mtl.dataset.lookup import Lookup
from tfrs_mtl.index import Index, index_named
from tfrs_mtl.models import Models
from tfrs_mtl.ranking.inference import EncodedItems, Inference
from tfrs_mtl.schema import Schema
from tfrs_mtl.store import FeatureRepo


@dataclass(frozen=True)
class ItemSnapshot:
    """The candidates at a moment: raw features, encoded features and the index, row by row the same items."""

    frame: Frame
    arrays: Arrays
    index: Index

    @property
    def keys(self) -> pa.Array:
        """Join keys of the items, [items]."""
        return self.frame.columns[ITEM_ID]

    @property
    def lookup(self) -> Lookup:
        """Join key to row; the table is built once."""
        return self.frame.codes(ITEM_ID).lookup

    def encoded(self, inference: Inference) -> EncodedItems:
        """Return the items as the ranking model sees them; they are encoded once."""
        if inference not in self._encoded:
            self._encoded[inference] = inference.encode_items(self.arrays)
        return self._encoded[inference]

    @cached_property
    def _encoded(self) -> dict[Inference, EncodedItems]:
        return {}


def read_snapshot(
    repo: FeatureRepo, schema: Schema, models: Models, keys: pa.Array, *, at: int
) -> ItemSnapshot:
    """Read the items' features as of a moment (microseconds) from the offline store, and index them."""
    return to_snapshot(models, item_frame(repo, schema, keys, np.full(len(keys), at, np.int64)))


def to_snapshot(models: Models, frame: Frame) -> ItemSnapshot:
    """Encode and index a frame of items."""
    arrays = models.preprocessor.encode("item", frame)
    index = index_named(models.retrieval.retrieval.index).build(models.retrieval.encode_items(arrays))
    return ItemSnapshot(frame, arrays, index)
