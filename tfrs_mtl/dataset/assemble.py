"""From rows of codes to examples: features as of each row's time, encoded, shared rows kept once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.examples import Block, Examples
from tfrs_mtl.dataset.frames import Frame, pair_frame, side_frame
from tfrs_mtl.dataset.preprocessor import Preprocessor
from tfrs_mtl.dataset.shop import Shop

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Raw:
    """n rows before encoding. Rows that share query and time share a row of ``queries``; items likewise.

    Attributes:
        query_rows, item_rows: each row's row of ``queries`` and ``items``, [n].
        pairs: None where only towers are fed.
    """

    queries: Frame
    items: Frame
    pairs: Frame | None
    query_rows: Ints
    item_rows: Ints


def gather_raw(
    shop: Shop, queries: Ints, items: Ints, times: Ints, *, context: Mapping[str, pa.Array] | None
) -> Raw:
    """Read the features of (query, item, time) rows, given by codes; ``context`` None leaves pairs out."""
    query_frame, query_rows = _shared(shop, "query", queries, times)
    item_frame, item_rows = _shared(shop, "item", items, times)
    pairs = None
    if context is not None:
        pairs = pair_frame(
            shop.schema,
            query_frame,
            item_frame,
            query_rows=query_rows,
            item_rows=item_rows,
            times=times,
            context=context,
        )
    return Raw(query_frame, item_frame, pairs, query_rows, item_rows)


def _shared(shop: Shop, side: str, codes: Ints, times: Ints) -> tuple[Frame, Ints]:
    """Read each distinct (entity, time) once; return the frame and each row's row in it."""
    population = shop.queries if side == "query" else shop.items
    moments_of, numbers = np.unique(times, return_inverse=True)
    distinct, rows = np.unique(codes * len(moments_of) + numbers, return_inverse=True)
    keys = population.keys.take(pa.array(distinct // max(len(moments_of), 1)))
    at = moments_of[distinct % max(len(moments_of), 1)]
    resolved = shop.schema.query if side == "query" else shop.schema.item
    return side_frame(shop.repo, shop.schema, resolved, keys, at), rows


def encode_raw(preprocessor: Preprocessor, raw: Raw, labels: Mapping[str, NDArray[np.float32]]) -> Examples:
    """Encode raw rows into examples."""
    blocks = [
        Block(preprocessor.encode("query", raw.queries), raw.query_rows.astype(np.int32)),
        Block(preprocessor.encode("item", raw.items), raw.item_rows.astype(np.int32)),
    ]
    if raw.pairs is not None:
        blocks.append(Block(preprocessor.encode("pair", raw.pairs)))
    return Examples(tuple(b for b in blocks if b.arrays), len(raw.query_rows), labels)
