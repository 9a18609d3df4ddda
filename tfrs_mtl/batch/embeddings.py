"""The towers' vectors as snapshots of Feast views: features for whatever else a shop learns and serves."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.frames import item_frame, query_frame
from tfrs_mtl.dataset.interactions import microseconds
from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.errors import RequestError, StoreError
from tfrs_mtl.models import Models
from tfrs_mtl.store import MOMENT, TIMESTAMP, arrow_type
from tfrs_mtl.store.append import put_snapshot

_ROWS_A_BLOCK = 16_384

Tower = Literal["query", "item"]


@dataclass(frozen=True)
class Embedded:
    """A file of one side's vectors.

    Attributes:
        entity: the side's Feast entity.
        rows, dim: how many vectors the snapshot has, and how long they are.
    """

    entity: str
    path: Path
    rows: int
    dim: int

    @property
    def view(self) -> str:
        """A name for the feature view."""
        return f"{self.entity}_embeddings"

    @property
    def definition(self) -> str:
        """Python that declares the view; its path is whole: Feast takes others from where it is started."""
        return textwrap.dedent(f"""\
            {self.view} = FeatureView(
                name="{self.view}",
                entities=[{self.entity}],
                schema=[Field(name="embedding", dtype=Array(Float32)), Field(name="bundle", dtype=String)],
                source=FileSource(
                    name="{self.view}",
                    path="{self.path.resolve()}",
                    timestamp_field="{TIMESTAMP}",
                    created_timestamp_column="created",
                ),
            )
            """)


def embed(
    shop: Shop, models: Models, side: Tower, path: Path, *, bundle: str, at: datetime, now: datetime
) -> Embedded:
    """Add the vectors of all queries, or of all items, at a moment to a parquet file.

    The rows: join key, ``embedding`` (float32 [dim]), ``bundle``, event time, ``created``. A second snapshot
    of a moment takes the place of the first. Vectors of different bundles lie in different spaces, so a row
    names its own.

    Args:
        side: ``query`` or ``item``.
        now: the time of writing.

    Raises:
        RequestError: the moment lies before the test window: the models were trained and chosen by what came
            until then, so a row of before would tell the past of its future.
        DataError: the file holds something else.
        StoreError: it cannot be written; then it stays as it was.
    """
    first = shop.schema.spec.split.test
    if at < first:
        raise RequestError(
            f"embeddings of {_text(at)}: the bundle knows what came until {_text(first)} (split.test), so "
            "they would tell the past of its future; name a moment from then on"
        )
    micros, population = microseconds(at), shop.queries if side == "query" else shop.items
    keys = population.keys.slice(0, population.known(micros))
    vectors = np.concatenate(
        [
            _vectors(shop, models, side, keys.slice(start, _ROWS_A_BLOCK), micros)
            for start in range(0, max(len(keys), 1), _ROWS_A_BLOCK)
        ]
    )
    chosen = shop.schema.query if side == "query" else shop.schema.item
    repeated = partial(pa.repeat, size=len(keys))
    columns = {
        chosen.key.name: keys.cast(arrow_type(chosen.key.dtype)),
        "embedding": _lists(vectors),
        "bundle": repeated(bundle),
        TIMESTAMP: repeated(pa.scalar(at, MOMENT)),
        "created": repeated(pa.scalar(now, MOMENT)),
    }
    try:
        put_snapshot(path, pa.table(columns), time=TIMESTAMP)
    except OSError as error:
        raise StoreError(f"{path}: could not be written: {error}; it is as it was") from error
    named = shop.schema.spec.query if side == "query" else shop.schema.spec.item
    return Embedded(named.entity, path, len(keys), vectors.shape[1])


def _vectors(shop: Shop, models: Models, side: Tower, keys: pa.Array, at: int) -> NDArray[np.float32]:
    times = np.full(len(keys), at, np.int64)
    if side == "query":
        frame = query_frame(shop.repo, shop.schema, keys, times, with_pairs=False)
        return models.retrieval.encode_queries(models.preprocessor.encode("query", frame))
    frame = item_frame(shop.repo, shop.schema, keys, times)
    return models.retrieval.encode_items(models.preprocessor.encode("item", frame))


def _lists(vectors: NDArray[np.float32]) -> pa.ListArray:
    starts = np.arange(0, vectors.size + 1, vectors.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(starts, vectors.ravel())


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
