"""From rows of codes to examples: features as of each row's time, encoded, shared rows kept once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.examples import Block, Examples
from tfrs_mtl.dataset.frames import Frame, item_frame, pair_frame, query_frame
from tfrs_mtl.dataset.population import Population
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
    repo, schema = shop.repo, shop.schema
    keys, at, query_rows = _distinct(shop.queries, queries, times)
    query_side = query_frame(repo, schema, keys, at, with_pairs=context is not None)
    keys, at, item_rows = _distinct(shop.items, items, times)
    item_side = item_frame(repo, schema, keys, at)
    pairs = None
    if context is not None:
        met = {"query_rows": query_rows, "item_rows": item_rows, "times": times}
        pairs = pair_frame(schema, query_side, item_side, **met, context=context)
    return Raw(query_side, item_side, pairs, query_rows, item_rows)


def _distinct(population: Population, codes: Ints, times: Ints) -> tuple[pa.Array, Ints, Ints]:
    """Return the keys and times of the distinct (entity, time), and each row's place among them."""
    moments_of, numbers = np.unique(times, return_inverse=True)
    width = max(len(moments_of), 1)
    distinct, rows = np.unique(codes * width + numbers, return_inverse=True)
    return population.keys.take(pa.array(distinct // width)), moments_of[distinct % width], rows


def encode_raw(preprocessor: Preprocessor, raw: Raw, labels: Mapping[str, NDArray[np.float32]]) -> Examples:
    """Encode raw rows into examples."""
    blocks = [
        Block(preprocessor.encode("query", raw.queries), raw.query_rows.astype(np.int32)),
        Block(preprocessor.encode("item", raw.items), raw.item_rows.astype(np.int32)),
    ]
    if raw.pairs is not None:
        blocks.append(Block(preprocessor.encode("pair", raw.pairs)))
    return Examples(tuple(b for b in blocks if b.arrays), len(raw.query_rows), labels)
