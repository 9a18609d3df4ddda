"""What a bundle holds for us: preprocessing, both models' weights, the items and their index."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ValidationError

from tfrs_mtl.bundle.compare import SchemaTypes, SideTypes, require_agreement
from tfrs_mtl.bundle.sealed import Bundle
from tfrs_mtl.bundle.weights import load_weights, save_weights
from tfrs_mtl.dataset.frames import Frame, flat
from tfrs_mtl.dataset.preprocessor import Preprocessor
from tfrs_mtl.errors import BundleError, nearest
from tfrs_mtl.index import index_named
from tfrs_mtl.layers.build import build
from tfrs_mtl.mixing import Mixer, Standing
from tfrs_mtl.models import Models, ranking_model, retrieval_model
from tfrs_mtl.project import Project
from tfrs_mtl.ranking.shares import Share
from tfrs_mtl.ranking.statistics import LabelStatistics
from tfrs_mtl.schema import Schema, Side
from tfrs_mtl.scoring import ItemSnapshot
from tfrs_mtl.spec import Spec

_PREPROCESSOR = "preprocessor.json"
_RETRIEVAL = "retrieval.weights.npz"
_RANKING = "ranking.weights.npz"
_LABELS = "ranking.labels.json"
_SHARES = "shares.json"
_ITEMS = "items.parquet"
_INDEX = "index"
_MANIFEST = "manifest.json"
_TIME = "#time"
_POPULARITY = "#popularity"
_EXPOSURE = "#exposure"
_OWN = (_TIME, _POPULARITY, _EXPOSURE)


@dataclass(frozen=True)
class Contents:
    """Everything that answering needs.

    Attributes:
        popularity: how often each item was met of late, [items]; what to fall back on.
        exposure: see ``Scorer.exposure``, [items].
        standing: what the mixer reads of the items; None where there is no mixer.
    """

    models: Models
    items: ItemSnapshot
    popularity: NDArray[np.float32]
    exposure: NDArray[np.float32] | None
    standing: Standing | None = None

    def save(self, directory: Path) -> None:
        """Write all files into an empty directory."""
        (directory / _PREPROCESSOR).write_text(json.dumps(self.models.preprocessor.to_dict()))
        save_weights(self.models.retrieval, directory / _RETRIEVAL)
        save_weights(self.models.ranking, directory / _RANKING)
        labels = {task: known.to_json() for task, known in self.models.ranking.statistics.items()}
        (directory / _LABELS).write_text(json.dumps(labels))
        shares = {task: share._asdict() for task, share in self.models.shares.items()}
        (directory / _SHARES).write_text(json.dumps(shares))
        for part in (self.models.mixer, self.standing):
            if part is not None:
                part.save(directory)
        frame = self.items.frame
        columns = {**frame.columns, _TIME: pa.array(frame.times), _POPULARITY: pa.array(self.popularity)}
        if self.exposure is not None:
            columns[_EXPOSURE] = pa.array(self.exposure)
        pq.write_table(pa.table(columns), directory / _ITEMS)
        self.items.index.save(directory / _INDEX)

    @classmethod
    def load(cls, directory: Path, spec: Spec) -> Contents:
        """Read what ``save`` wrote; the caller has verified the files."""
        preprocessor = Preprocessor.from_dict(json.loads((directory / _PREPROCESSOR).read_text()))
        retrieval = retrieval_model(preprocessor, spec.retrieval)
        labels = json.loads((directory / _LABELS).read_text())
        statistics = {task: LabelStatistics.from_json(known) for task, known in labels.items()}
        ranking = ranking_model(preprocessor, spec.ranking, statistics=statistics)
        for model, file in ((retrieval, _RETRIEVAL), (ranking, _RANKING)):
            build(model, model.model_inputs)
            load_weights(model, directory / file)
        table = pq.read_table(directory / _ITEMS)
        columns = {n: flat(table.column(n)) for n in table.column_names if n not in _OWN}
        frame = Frame(columns, table.column(_TIME).to_numpy())
        index = index_named(spec.retrieval.index).load(directory / _INDEX)
        items = ItemSnapshot(frame, preprocessor.encode("item", frame), index)
        popularity = table.column(_POPULARITY).to_numpy()
        exposure = table.column(_EXPOSURE).to_numpy() if _EXPOSURE in table.column_names else None
        shares = {n: Share(**s) for n, s in json.loads((directory / _SHARES).read_text()).items()}
        models = Models(preprocessor, retrieval, ranking, shares, Mixer.load(directory))
        return cls(models, items, popularity, exposure, Standing.load(directory))


class Opened(NamedTuple):
    """A bundle's contents, and the project with the spec that they go by."""

    project: Project
    contents: Contents


def open_contents(bundle: Bundle, project: Project) -> Opened:
    """Load a bundle's contents for a live project.

    They go by the spec that they were trained for, whatever recommender.yaml says by now; but its
    ``objective``, ``batch``, ``sensitive`` and ``serving`` need no training, so those are the live ones.

    Raises:
        BundleError: the registry contradicts what the bundle was made for, or the live objective does.
        RegistryError: the registry lacks what the bundle's spec names.
    """
    spec = _spec_in_force(bundle, project.spec)
    served = replace(project, spec=spec, file=bundle.directory / _MANIFEST)
    require_agreement(bundle.manifest.types, types_of(served.schema), bundle=bundle.id)
    return Opened(served, Contents.load(bundle.directory, spec))


def _spec_in_force(bundle: Bundle, live: Spec) -> Spec:
    try:
        own = Spec.model_validate(bundle.manifest.spec)
    except ValidationError as error:
        raise BundleError(
            f"bundle {bundle.id} was written by another version: {error}; train again"
        ) from error
    tasks = [task.name for task in own.ranking.tasks]
    for name in live.objective:
        if name not in tasks:
            raise BundleError(
                f"`objective` weighs {name!r}, for which bundle {bundle.id} was not trained; "
                f"{nearest(name, tasks)}; train again"
            )
    untrained = ("objective", "batch", "sensitive", "serving")
    return own.model_copy(update={name: getattr(live, name) for name in untrained})


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
