"""What a bundle holds for us: preprocessing, both models' weights, the items and their index."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tfrs_mtl.bundle.compare import SchemaTypes, SideTypes, require_agreement
from tfrs_mtl.bundle.sealed import Bundle
from tfrs_mtl.dataset.frames import Frame, flat
from tfrs_mtl.dataset.preprocessor import Preprocessor
from tfrs_mtl.index import ExactIndex
from tfrs_mtl.layers.build import build
from tfrs_mtl.models import Models, ranking_model, retrieval_model
from tfrs_mtl.schema import Schema, Side
from tfrs_mtl.scoring import ItemSnapshot
from tfrs_mtl.spec import Spec

_PREPROCESSOR = "preprocessor.json"
_RETRIEVAL = "retrieval.weights.h5"
_RANKING = "ranking.weights.h5"
_ITEMS = "items.parquet"
_INDEX = "index"
_TIME = "#time"
_POPULARITY = "#popularity"


@dataclass(frozen=True)
class Contents:
    """Everything that answering needs.

    Attributes:
        popularity: how often each item was met of late, [items]; what to fall back on.
    """

    models: Models
    items: ItemSnapshot
    popularity: NDArray[np.float32]

    def save(self, directory: Path) -> None:
        """Write all files into an empty directory."""
        (directory / _PREPROCESSOR).write_text(json.dumps(self.models.preprocessor.to_dict()))
        self.models.retrieval.save_weights(str(directory / _RETRIEVAL))
        self.models.ranking.save_weights(str(directory / _RANKING))
        frame = self.items.frame
        columns = {**frame.columns, _TIME: pa.array(frame.times), _POPULARITY: pa.array(self.popularity)}
        pq.write_table(pa.table(columns), directory / _ITEMS)
        self.items.index.save(directory / _INDEX)

    @classmethod
    def load(cls, directory: Path, spec: Spec) -> Contents:
        """Read what ``save`` wrote; the caller has verified the files."""
        preprocessor = Preprocessor.from_dict(json.loads((directory / _PREPROCESSOR).read_text()))
        retrieval = retrieval_model(preprocessor, spec.retrieval)
        ranking = ranking_model(preprocessor, spec.ranking)
        for model, file in ((retrieval, _RETRIEVAL), (ranking, _RANKING)):
            build(model, model.model_inputs)
            model.load_weights(str(directory / file))
        table = pq.read_table(directory / _ITEMS)
        columns = {n: flat(table.column(n)) for n in table.column_names if n not in (_TIME, _POPULARITY)}
        frame = Frame(columns, table.column(_TIME).to_numpy())
        items = ItemSnapshot(frame, preprocessor.encode("item", frame), ExactIndex.load(directory / _INDEX))
        popularity = table.column(_POPULARITY).to_numpy()
        return cls(Models(preprocessor, retrieval, ranking), items, popularity)


def open_contents(bundle: Bundle, schema: Schema) -> Contents:
    """Load a bundle's contents for a live registry.

    Raises:
        BundleError: the registry contradicts what the bundle was made for.
    """
    require_agreement(bundle.manifest.types, types_of(schema), bundle=bundle.id)
    return Contents.load(bundle.directory, Spec.model_validate(bundle.manifest.spec))


def types_of(schema: Schema) -> SchemaTypes:
    """Return the types that a live registry must not contradict."""
    return SchemaTypes(
        query=_side(schema.query),
        item=_side(schema.item),
        context={feature.column: feature.dtype.text for feature in schema.context},
    )


def _side(side: Side) -> SideTypes:
    features = {f"{f.view}:{f.column}": f.dtype.text for f in side.fetched}
    return SideTypes(entity=side.entity, key=side.key.name, dtype=side.key.dtype.text, features=features)
