"""A few queries' recommendations to read, beside what each met before and afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.evaluation.retrieval import Moment
from tfrs_mtl.evaluation.truth import Truth
from tfrs_mtl.scoring import Scorer

_ITEMS = 10


class Line(NamedTuple):
    """One recommended item.

    Attributes:
        shown: the item's display features, or its key where there are none.
        met_before, met_later: whether the query had met it before the window, and met it in it.
    """

    shown: str
    score: float
    predictions: Mapping[str, float]
    met_before: bool
    met_later: bool


class Example(NamedTuple):
    """One query at the start of the test window.

    Attributes:
        before, later: how many different items it had met, and met in the window.
    """

    query: Any
    before: int
    later: int
    lines: tuple[Line, ...]


def examples(shop: Shop, scorer: Scorer, truth: Truth, moment: Moment) -> tuple[Example, ...]:
    """Answer the queries that met least, the median and most in the window, as batch and serving would."""
    if not len(truth.queries):
        return ()
    by_size = np.argsort(truth.relevant.sizes(), kind="stable")
    chosen = np.array(list(dict.fromkeys(by_size[[0, len(by_size) // 2, -1]].tolist())))
    rows = moment.rows(truth)[chosen]
    ranked = scorer.recommend(moment.queries.take(rows))
    keys = shop.queries.keys.take(pa.array(truth.queries[chosen])).to_pylist()
    return tuple(
        Example(key, *_sizes(truth, int(query)), _lines(shop, scorer, truth, int(query), ranked, place))
        for place, (key, query) in enumerate(zip(keys, chosen, strict=True))
    )


def _sizes(truth: Truth, query: int) -> tuple[int, int]:
    return int(truth.seen.sizes()[query]), int(truth.relevant.sizes()[query])


def _lines(shop: Shop, scorer: Scorer, truth: Truth, query: int, ranked: Any, place: int) -> tuple[Line, ...]:
    rows = ranked.rows[place][:_ITEMS]
    rows = rows[rows >= 0]
    who = np.full(len(rows), query, np.int64)
    before, later = truth.seen.contains(who, rows), truth.relevant.contains(who, rows)
    return tuple(
        Line(
            _shown(shop, scorer, int(row)),
            float(ranked.scores[place, n]),
            {task: float(values[place, n]) for task, values in ranked.predictions.items()},
            bool(before[n]),
            bool(later[n]),
        )
        for n, row in enumerate(rows)
    )


def _shown(shop: Shop, scorer: Scorer, row: int) -> str:
    values = [scorer.items.frame.columns[name][row].as_py() for name in shop.schema.display]
    named = ", ".join(str(value) for value in values if value is not None)
    return named or str(scorer.items.keys[row].as_py())
