"""The pipeline of one request: read the query online, retrieve, rank, weigh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from serving.answer import Answer, Degraded, Key, Recommendation
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.bundle.contents import Contents, open_contents
from tfrs_mtl.dataset.frames import QUERY_ID, Frame, to_frame
from tfrs_mtl.dataset.interactions import microseconds
from tfrs_mtl.dataset.point_in_time import empty_features
from tfrs_mtl.errors import RequestError, StoreError, nearest
from tfrs_mtl.project import Project, open_project
from tfrs_mtl.scoring import Ranked, Scorer
from tfrs_mtl.store import arrow_type

LARGEST_K = 10_000


@dataclass(frozen=True)
class Recommender:
    """Answers from one bundle and one feature repo; every question reads the query's features once.

    Whatever the data is like, there is an answer: of a query nobody knows, what is popular; with the store
    down, what the models make of the query's id alone. Then ``degraded`` says why.

    Attributes:
        bundle: id of the bundle.
        at: the moment as of which the bundle's items are.
    """

    project: Project
    bundle: str
    at: datetime
    contents: Contents
    scorer: Scorer

    @classmethod
    def load(
        cls, path: Path, *, bundle: str = "current", spec: Path | None = None, artefacts: Path | None = None
    ) -> Recommender:
        """Load a bundle for a feature repo; make one per process.

        Args:
            path: the directory of feature_store.yaml.
            bundle: id of the bundle.
            spec: another recommender.yaml than the repo's.
            artefacts: where the bundles are; default: ``path/artefacts``.

        Raises:
            BundleError: the bundle is missing, damaged, or made for another registry.
        """
        live = open_project(path, spec=spec, artefacts=artefacts)
        chosen = BundleStore(live.bundles).open(bundle)
        project, contents = open_contents(chosen, live)
        scorer = Scorer(
            schema=project.schema,
            models=contents.models,
            items=contents.items,
            candidates=project.spec.batch.candidates,
            k=project.spec.batch.k,
            weights=project.spec.weights,
            exposure=contents.exposure,
        )
        return cls(project, chosen.id, chosen.manifest.at, contents, scorer)

    def recommend(
        self,
        query: Key,
        *,
        k: int | None = None,
        weights: Mapping[str, float] | None = None,
        context: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> Answer:
        """Return the best items for one query.

        Args:
            query: its join key.
            k: how many; default: the spec's. Fewer come where the catalogue is smaller.
            weights: task -> weight in the objective; default: the spec's.
            context: what the request knows, by column name; what is left out counts as unknown.
            at: the moment of the request, by which features expire; default: now.

        Raises:
            RequestError: a key of another type than the registry's, or a k, weights or context without sense.
        """
        key = self._key(query)
        scorer = self._scorer(k, weights)
        given = self._context(context or {})
        queries, degraded = self._read(key, microseconds(at or datetime.now(timezone.utc)))
        if scorer.knows(queries)[0]:
            candidates = scorer.find(queries, scorer.candidates)
        else:
            degraded = degraded or "unknown_query"
            popular = np.argsort(-self.contents.popularity, kind="stable")
            candidates = popular[None, : scorer.candidates].astype(np.int32)
        ranked = scorer.rank(queries, candidates, context=given)
        return Answer(query, self._items(ranked), degraded, self.bundle)

    def _key(self, query: Key) -> pa.Array:
        key = self.project.schema.query.key
        expected = int if key.dtype.base == "int" else str
        if type(query) is not expected:
            raise RequestError(
                f"query: {key.name!r} is {key.dtype.text}: expected {expected.__name__}, "
                f"got {type(query).__name__} {query!r}"
            )
        try:
            return pa.array([query], arrow_type(key.dtype))
        except (pa.ArrowInvalid, OverflowError) as error:
            raise RequestError(f"query: {query!r} does not fit {key.dtype.text}: {error}") from error

    def _scorer(self, k: int | None, weights: Mapping[str, float] | None) -> Scorer:
        if k is not None and not 1 <= k <= LARGEST_K:
            raise RequestError(f"k: expected 1 to {LARGEST_K}, got {k}")
        tasks = [task.name for task in self.project.spec.ranking.tasks]
        for name, weight in (weights or {}).items():
            if name not in tasks:
                raise RequestError(f"weights: no task {name!r}; {nearest(name, tasks)}")
            if not np.isfinite(weight):
                raise RequestError(f"weights.{name}: expected a finite number, got {weight}")
        wanted = k or self.scorer.k
        return replace(
            self.scorer,
            k=wanted,
            candidates=max(self.scorer.candidates, wanted),
            weights=weights or self.scorer.weights,
        )

    def _context(self, context: Mapping[str, Any]) -> dict[str, pa.Array]:
        features = {feature.column: feature for feature in self.project.schema.context}
        given = {}
        for name, value in context.items():
            if name not in features:
                raise RequestError(f"context: no feature {name!r}; {nearest(name, list(features))}")
            feature = features[name]
            try:
                given[feature.name] = pa.array([value], arrow_type(feature.dtype))
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
                raise RequestError(f"context.{name}: expected {feature.dtype.text}, got {value!r}") from error
        return given

    def _read(self, key: pa.Array, at: int) -> tuple[Frame, Degraded | None]:
        """Read the query's features online, once; say so where they cannot be read."""
        side = self.project.schema.query
        degraded: Degraded | None = None
        features = empty_features(side, 1)
        if side.service is not None:
            try:
                moment = datetime.fromtimestamp(at / 1e6, tz=timezone.utc)
                features = self.project.repo.online(side, key.to_pylist(), at=moment)
            except StoreError:
                degraded = "store_unavailable"
        queries = to_frame(QUERY_ID, key, features, np.array([at], np.int64))
        return queries, degraded

    def _items(self, ranked: Ranked) -> tuple[Recommendation, ...]:
        rows = ranked.rows[0][ranked.rows[0] >= 0]
        index = pa.array(rows)
        keys = self.scorer.items.keys.take(index).to_pylist()
        frame = self.scorer.items.frame
        shown = {
            name.split("__", 1)[1]: frame.columns[name].take(index).to_pylist()
            for name in self.project.schema.display
        }
        return tuple(
            Recommendation(
                item=key,
                score=float(ranked.scores[0, n]),
                predictions={task: float(values[0, n]) for task, values in ranked.predictions.items()},
                display={name: values[n] for name, values in shown.items()},
            )
            for n, key in enumerate(keys)
        )
