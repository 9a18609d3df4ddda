"""Retrieval contenders on one window: whoever gives a list of items for each query at its start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tfrs_mtl.dataset.examples import Arrays
from tfrs_mtl.dataset.frames import Frame, item_frame, query_frame
from tfrs_mtl.dataset.preprocessor import Preprocessor
from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.evaluation.arrays import Codes, Floats, Integers
from tfrs_mtl.evaluation.baselines import own_history, popularity
from tfrs_mtl.evaluation.bootstrap import Interval, bootstrap_retrieval
from tfrs_mtl.evaluation.item_sets import ItemSets
from tfrs_mtl.evaluation.retrieval_metrics import RetrievalMetrics, retrieval_metrics
from tfrs_mtl.evaluation.truth import Truth
from tfrs_mtl.index import ExactIndex, Excluded
from tfrs_mtl.retrieval.model import RetrievalModel
from tfrs_mtl.scoring import Scorer

KS = (10, 50, 100)
"""The list lengths that are reported."""
_MICROSECONDS_A_DAY = 86_400_000_000
_HALF_LIFE_DAYS = 28.0

Contender = Callable[[Truth, ItemSets | None], Codes]
"""A truth, and what must not be recommended -> item codes [queries, k], best first, padded with -1."""


def baseline_contenders(shop: Shop) -> dict[str, Contender]:
    """Return popularity (of all the past, and of late) and each query's own history."""

    def popular(truth: Truth, excluded: ItemSets | None) -> Codes:
        _, items, _ = _before(shop, truth)
        return popularity(items, queries=len(truth.queries), k=max(KS), excluded=excluded)

    def popular_of_late(truth: Truth, excluded: ItemSets | None) -> Codes:
        _, items, ages = _before(shop, truth)
        return popularity(
            items,
            queries=len(truth.queries),
            k=max(KS),
            ages=ages,
            half_life=_HALF_LIFE_DAYS,
            excluded=excluded,
        )

    def own(truth: Truth, excluded: ItemSets | None) -> Codes:
        queries, items, ages = _before(shop, truth)
        kept = np.isin(queries, truth.queries)
        rows = np.searchsorted(truth.queries, queries[kept])
        return own_history(
            rows, items[kept], ages[kept], queries=len(truth.queries), k=max(KS), excluded=excluded
        )

    return {"popularity": popular, "popularity_of_late": popular_of_late, "own_history": own}


def _before(shop: Shop, truth: Truth) -> tuple[Integers, Integers, Floats]:
    """Return query, item and age in days of each positive interaction before the truth's moment."""
    end = int(np.searchsorted(shop.past.times, truth.at))
    ages = (truth.at - shop.past.times[:end]) / _MICROSECONDS_A_DAY
    return shop.past.queries[:end], shop.past.items[:end], ages


@dataclass(frozen=True)
class Moment:
    """The queries of a truth and the items known at its moment, with their features.

    Attributes:
        at: microseconds.
        codes: codes of the queries, ascending, [q]; row i of ``queries`` is query ``codes[i]``.
        items: row j is the item with code j.
    """

    at: int
    codes: Integers
    queries: Frame
    items: Frame

    def rows(self, truth: Truth) -> Integers:
        """Return the rows of the queries of a truth, which must be among these."""
        return np.searchsorted(self.codes, truth.queries).astype(np.int64)


def read_moment(shop: Shop, truth: Truth) -> Moment:
    """Read the features of a truth's queries, and of all items known, as of its moment."""
    known = shop.items.known(truth.at)
    keys = shop.queries.keys.take(pa.array(truth.queries))
    at = np.full(len(keys), truth.at, np.int64)
    queries = query_frame(shop.repo, shop.schema, keys, at)
    items = item_frame(
        shop.repo, shop.schema, shop.items.keys.slice(0, known), np.full(known, truth.at, np.int64)
    )
    return Moment(truth.at, truth.queries, queries, items)


@dataclass(frozen=True)
class TowerContender:
    """A two-tower model as it is when called: the items are encoded anew each time."""

    model: RetrievalModel
    moment: Moment
    queries: Arrays
    items: Arrays

    @classmethod
    def prepare(cls, model: RetrievalModel, preprocessor: Preprocessor, moment: Moment) -> TowerContender:
        """Encode the features of a moment once."""
        encode = preprocessor.encode
        return cls(model, moment, encode("query", moment.queries), encode("item", moment.items))

    def __call__(self, truth: Truth, excluded: ItemSets | None) -> Codes:
        """Return the nearest items of each query."""
        index = ExactIndex.build(self.model.encode_items(self.items))
        rows = self.moment.rows(truth)
        vectors = self.model.encode_queries({name: array[rows] for name, array in self.queries.items()})
        return index.search(vectors, max(KS), excluded=_as_excluded(excluded)).rows


@dataclass(frozen=True)
class CandidateContender:
    """The retrieval stage: the candidates that the ranking model is given."""

    scorer: Scorer
    moment: Moment

    def __call__(self, truth: Truth, excluded: ItemSets | None) -> Codes:
        """Return the first candidates of each query."""
        queries = self.scorer.encode(self.moment.queries.take(self.moment.rows(truth)))
        return self.scorer.find(queries, max(KS), excluded=_as_excluded(excluded))


@dataclass(frozen=True)
class PipelineContender:
    """Retrieval and ranking together, as batch and serving answer."""

    scorer: Scorer
    moment: Moment

    def __call__(self, truth: Truth, excluded: ItemSets | None) -> Codes:
        """Return the best items of each query by the objective."""
        queries = self.moment.queries.take(self.moment.rows(truth))
        return self.scorer.recommend(queries, excluded=_as_excluded(excluded)).rows


def _as_excluded(sets: ItemSets | None) -> Excluded | None:
    return None if sets is None else Excluded(sets.indptr, sets.codes)


def judge(contender: Contender, truth: Truth, *, catalogue: int, only_new: bool) -> RetrievalMetrics:
    """Return a contender's metrics; with ``only_new`` nobody may recommend what a query has seen."""
    asked = truth.new_only() if only_new else truth
    recommended = contender(asked, asked.seen if only_new else None)
    return retrieval_metrics(recommended, asked.relevant, ks=KS, catalogue=catalogue)


def compare_retrieval(
    shop: Shop, truth: Truth, contenders: Mapping[str, Contender], *, seed: int
) -> dict[str, dict[str, dict[str, Interval]]]:
    """Return ``all`` and ``new`` -> contender -> metric -> value with its bootstrap interval."""
    catalogue = max(shop.items.known(truth.at), 1)
    return {
        protocol: {
            name: bootstrap_retrieval(
                judge(contender, truth, catalogue=catalogue, only_new=protocol == "new"), seed=seed
            ).intervals()
            for name, contender in contenders.items()
        }
        for protocol in ("all", "new")
    }
