"""What a request is answered from: one bundle and one item snapshot, frozen together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from serving.answer import Versions
from serving.state.masks import Mask, filter_masks
from serving.state.rules import Rule, rules_over
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.bundle.contents import Contents, open_contents
from tfrs_mtl.dataset.frames import QUERY_ID, to_frame
from tfrs_mtl.dataset.point_in_time import empty_features
from tfrs_mtl.layers.threads import one_thread_a_call
from tfrs_mtl.project import Project
from tfrs_mtl.schema import Schema
from tfrs_mtl.scoring import ItemSnapshot, Scorer
from tfrs_mtl.spec import Serving
from tfrs_mtl.store import arrow_type


@dataclass(frozen=True)
class State:
    """A bundle with a snapshot of its items.

    A request takes the state once and works from it to the end, so no answer mixes versions; a swap or a
    refresh makes a new one beside it.

    Attributes:
        project: the feature repo, with the spec in force.
        bundle: id of the bundle.
        contents: what the bundle holds.
        scorer: retrieval and ranking over the snapshot.
        at: the moment as of which the items are.
        masks: the spec's filters by name, evaluated over the snapshot.
        rules: the spec's rules over the snapshot, in its order.
        number: how often the items were read anew since the bundle was loaded.
        arm: which arm of an experiment it answers, if any.
    """

    project: Project
    bundle: str
    contents: Contents
    scorer: Scorer
    at: datetime
    masks: Mapping[str, Mask]
    rules: tuple[Rule, ...] = ()
    number: int = 0
    arm: str | None = None

    @property
    def schema(self) -> Schema:
        """The resolved schema of the bundle."""
        return self.scorer.schema

    @property
    def settings(self) -> Serving:
        """The live spec's ``serving`` section."""
        return self.project.spec.serving

    @property
    def items(self) -> ItemSnapshot:
        """The item snapshot."""
        return self.scorer.items

    @property
    def size(self) -> int:
        """How many items there are."""
        return len(self.items.frame)

    @cached_property
    def versions(self) -> Versions:
        """What answers of this state are made from."""
        sides = (self.schema.query, self.schema.item)
        services = tuple(side.service.name for side in sides if side.service is not None)
        return Versions(self.bundle, f"{self.at:%Y%m%dT%H%M%SZ}-{self.number}", services, self.arm)

    @cached_property
    def popular(self) -> NDArray[np.int32]:
        """Rows of the items, the most popular first, [items]."""
        return np.argsort(-self.contents.popularity, kind="stable").astype(np.int32)

    @cached_property
    def live(self) -> tuple[str, ...]:
        """Full names of the item features that are read anew for the items of an answer."""
        named, fetched = self.settings.live, self.schema.item.fetched
        return tuple(f.name for f in fetched if f.column in named or f"{f.view}:{f.column}" in named)

    def rows_of(self, keys: pa.Array) -> NDArray[np.int32]:
        """Return the rows of items, [n]; -1 for those that the snapshot does not hold."""
        return self.items.lookup.find(keys).astype(np.int32)

    def vectors(self, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the item tower's vectors of some rows, [n, dim]; any index will do."""
        arrays = {name: array[rows] for name, array in self.items.arrays.items()}
        return self.contents.models.retrieval.encode_items(arrays)

    def with_items(self, items: ItemSnapshot, at: datetime) -> State:
        """Return the same bundle over a new snapshot of the same items."""
        return replace(
            self,
            scorer=_warm(replace(self.scorer, items=items)),
            at=at,
            masks=filter_masks(self.schema, items.frame, self.settings.filters),
            rules=rules_over(self.schema, items, self.settings.rules),
            number=self.number + 1,
        )


def load_state(live: Project, bundle: str) -> State:
    """Open a bundle, verified, with the snapshot that it brought along.

    Raises:
        BundleError: the bundle is missing, damaged, or made for another registry.
        RegistryError: the registry contradicts the live spec's ``serving``.
        SpecError: a filter or rule of the live spec is no expression over the items.
    """
    one_thread_a_call()
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
        standing=contents.standing,
    )
    settings = project.spec.serving
    masks = filter_masks(project.schema, contents.items.frame, settings.filters)
    rules = rules_over(project.schema, contents.items, settings.rules)
    return State(project, chosen.id, contents, _warm(scorer), chosen.manifest.at, masks, rules)


def _warm(scorer: Scorer) -> Scorer:
    """Answer a query of which nothing is known, so that no request waits for what is made once."""
    side = scorer.schema.query
    key = pa.nulls(1, arrow_type(side.key.dtype))
    scorer.recommend(to_frame(QUERY_ID, key, empty_features(side, 1), np.zeros(1, np.int64)))
    return scorer
