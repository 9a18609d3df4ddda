"""The training sets of both models, and the preprocessing that is fitted on them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.assemble import Raw, encode_raw, gather_raw
from tfrs_mtl.dataset.examples import Block, Examples
from tfrs_mtl.dataset.preprocessor import Preprocessor, fit_preprocessor
from tfrs_mtl.dataset.ranking_rows import RankingRows, ranking_rows, slates_of
from tfrs_mtl.dataset.retrieval_rows import retrieval_rows
from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.dataset.unmet import hide_unmet
from tfrs_mtl.dataset.windows import Window
from tfrs_mtl.errors import DataError
from tfrs_mtl.evaluation.retrieval import Moment, read_moment
from tfrs_mtl.evaluation.truth import Truth, truth_of
from tfrs_mtl.retrieval.model import ITEM_CODE, LOG_PROBABILITY, QUERY_CODE


@dataclass(frozen=True)
class RankingSet:
    """Ranking rows of one window, encoded."""

    rows: RankingRows
    examples: Examples


@dataclass(frozen=True)
class TrainingSets:
    """Everything that either model learns from or is stopped by.

    Attributes:
        retrieval: positive pairs of the training window.
        truth, moment: what the validation window holds, and its queries and items at its start.
        ranking, validation: rows of the training and of the validation window.
    """

    preprocessor: Preprocessor
    retrieval: Examples
    truth: Truth
    moment: Moment
    ranking: RankingSet
    validation: RankingSet


def prepare(shop: Shop, *, seed: int, repeats: float | None = None) -> TrainingSets:
    """Gather and encode all training sets; nothing is fitted on anything after the training window.

    Args:
        seed: of whatever is drawn.
        repeats: share of repeated positives that retrieval learns from; default: the spec's.

    Raises:
        DataError: a window is empty.
    """
    spec, windows = shop.schema.spec, shop.windows
    rows, raw = _ranking_raw(shop, windows.train, seed=seed, sample=spec.ranking.training.sample)
    preprocessor = _fit(shop, raw)
    # The vocabulary is as old as this by the end of the window that stops the training.
    lag = windows.validation.end - windows.train.end
    examples = hide_unmet(encode_raw(preprocessor, raw, rows.labels), rows, shop.past, lag=lag)
    examples = replace(examples, weights=rows.weights)
    if any(task.has_order for task in spec.ranking.tasks):
        examples = replace(examples, slates=slates_of(rows))
    ranking = RankingSet(rows, examples)
    del raw
    pa.default_memory_pool().release_unused()
    truth = truth_of(shop, windows.validation)
    return TrainingSets(
        preprocessor=preprocessor,
        retrieval=retrieval_examples(
            shop, preprocessor, seed=seed, repeats=spec.retrieval.repeats if repeats is None else repeats
        ),
        truth=truth,
        moment=read_moment(shop, truth),
        ranking=ranking,
        validation=ranking_set(shop, preprocessor, windows.validation, seed=seed + 1),
    )


def ranking_set(
    shop: Shop, preprocessor: Preprocessor, window: Window, *, seed: int, sample: int | None = None
) -> RankingSet:
    """Return a window's ranking rows, encoded."""
    rows, raw = _ranking_raw(shop, window, seed=seed, sample=sample)
    found = RankingSet(rows, encode_raw(preprocessor, raw, rows.labels))
    del raw
    pa.default_memory_pool().release_unused()  # lists of pairs, gigabytes of them, which Arrow would keep
    return found


def _ranking_raw(shop: Shop, window: Window, *, seed: int, sample: int | None) -> tuple[RankingRows, Raw]:
    rows = ranking_rows(shop, window, seed=seed, sample=sample)
    if not len(rows):
        first, last = shop.interactions.times[[0, -1]].astype("datetime64[us]")
        raise DataError(
            f"the window from {_moment(window.start)} to {_moment(window.end)} holds no interaction to rank; "
            f"they go from {first} to {last}: mend `split` in recommender.yaml"
        )
    return rows, gather_raw(shop, rows.queries, rows.items, rows.times, context=rows.context)


def _moment(time: int | None) -> str:
    return "the beginning" if time is None else str(np.datetime64(time, "us"))


def _fit(shop: Shop, raw: Raw) -> Preprocessor:
    assert raw.pairs is not None
    met = shop.windows.train.of(shop.interactions)
    met = met.take(np.flatnonzero(met.labels[shop.schema.spec.positives.label] > 0))
    return fit_preprocessor(
        shop.schema, raw.queries, raw.items, raw.pairs, met_queries=met.queries, met_items=met.items
    )


def retrieval_examples(shop: Shop, preprocessor: Preprocessor, *, seed: int, repeats: float) -> Examples:
    """Return the positive pairs of the training window, encoded; ``repeats`` is the share of repeats kept."""
    sample = shop.schema.spec.retrieval.training.sample
    rows = retrieval_rows(shop, shop.windows.train, seed=seed, repeats=repeats, sample=sample)
    raw = gather_raw(shop, rows.queries, rows.items, rows.times, context=None)
    own: dict[str, NDArray[np.generic]] = {
        LOG_PROBABILITY: rows.log_probability,
        ITEM_CODE: rows.items,
        QUERY_CODE: rows.queries,
    }
    encoded = encode_raw(preprocessor, raw, {})
    return Examples((*encoded.blocks, Block(own)), len(rows), times=rows.times)
