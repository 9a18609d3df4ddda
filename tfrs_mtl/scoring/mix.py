"""Candidates of all sources in one order: the towers', the query's own, what goes with them, the popular."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from tfrs_mtl.dataset.encoders.ragged import cast, floats_of, lengths_of, padded
from tfrs_mtl.dataset.frames import pair_frame
from tfrs_mtl.dataset.shop import Shop
from tfrs_mtl.index import Excluded, kept
from tfrs_mtl.mixing import OwnPast, Standing, own_past, standing_at
from tfrs_mtl.models import Models
from tfrs_mtl.scoring.queries import EncodedQueries
from tfrs_mtl.scoring.rows import Rows, merged

if TYPE_CHECKING:
    from tfrs_mtl.scoring.scorer import Scorer

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

_QUERIES_A_BLOCK = 256
_SPARE = 100
_POPULAR = 200


def standing_for(models: Models, shop: Shop, at: int) -> Standing | None:
    """Return how items stand at a moment (microseconds); None for models that mix nothing."""
    return None if models.mixer is None else standing_at(shop, at)


class Pairs(NamedTuple):
    """m candidates of n queries and what is known of each.

    Attributes:
        query_rows, item_rows: [m] each, by query.
        signals: float32 [m, width].
    """

    query_rows: Ints
    item_rows: Ints
    signals: Floats


def mixed(
    scorer: Scorer,
    queries: EncodedQueries,
    k: int,
    *,
    excluded: Excluded | None,
    allowed: NDArray[np.bool_] | None,
) -> Rows:
    """Return each query's k best candidates by the mixer, [n, k], best first; -1 where there are fewer."""
    assert scorer.models.mixer is not None
    found = np.full((len(queries), k), -1, np.int32)
    for start in range(0, len(queries), _QUERIES_A_BLOCK):
        block = queries.slice(start, _QUERIES_A_BLOCK)
        barred = None if excluded is None else excluded.part(slice(start, start + len(block)))
        pairs = candidate_pairs(scorer, block, k, excluded=barred, allowed=allowed)
        score = scorer.models.mixer(pairs.signals)
        order = np.lexsort((pairs.item_rows, -score, pairs.query_rows))
        owners = pairs.query_rows[order]
        place = np.arange(len(owners)) - np.searchsorted(owners, owners)
        best = place < k
        found[start + owners[best], place[best]] = pairs.item_rows[order][best]
    return found


def candidate_pairs(
    scorer: Scorer,
    queries: EncodedQueries,
    k: int,
    *,
    excluded: Excluded | None = None,
    allowed: NDArray[np.bool_] | None = None,
) -> Pairs:
    """Ask every source for a block of queries, and gather what is known of what they name."""
    standing = scorer.standing
    assert standing is not None
    items = len(scorer.items.frame)
    related = _related(standing, queries.own, items)
    sources = [
        scorer.search(queries, k + _SPARE, excluded=excluded, allowed=allowed).rows,
        queries.own,
        _highest(related, k // 2 + _SPARE),
        np.tile(standing.popular[:_POPULAR], (len(queries), 1)),
    ]
    rows = kept(merged(sources, items), items, allowed=allowed, excluded=excluded)
    held = rows >= 0
    query_rows, item_rows = np.nonzero(held)[0].astype(np.int64), rows[held].astype(np.int64)
    return Pairs(query_rows, item_rows, _signals(scorer, queries, query_rows, item_rows, related))


def _related(standing: Standing, own: Rows, items: int) -> Floats:
    """Score all items by what goes with a query's own, [n, items]."""
    held = own >= 0
    owners, rows = np.nonzero(held)[0], own[held]
    known = rows < standing.similar.shape[0]
    ones = np.ones(int(known.sum()), np.float32)
    met = sparse.coo_matrix((ones, (owners[known], rows[known])), (len(own), standing.similar.shape[0]))
    met = met.tocsr()
    met.data[:] = 1
    return np.asarray((met @ standing.similar).toarray(), np.float32)


def _highest(scores: Floats, k: int) -> Rows:
    """Return the k columns of each row whose scores are highest and positive, [n, k]."""
    width = min(k, scores.shape[1])
    if not width:
        return np.empty((len(scores), 0), np.int32)
    best = np.argpartition(-scores, width - 1, axis=1)[:, :width]
    return np.where(np.take_along_axis(scores, best, 1) > 0, best, -1).astype(np.int32)


def _signals(
    scorer: Scorer, queries: EncodedQueries, query_rows: Ints, item_rows: Ints, related: Floats
) -> Floats:
    """Return [m, width]: the sources' scores, the query's own past with the item, and the dense features.

    The scores come twice, as they are and against the query's other candidates: those of a query that met
    much are on another scale than those of one that met little.
    """
    assert scorer.standing is not None
    vectors = scorer.models.retrieval.encode_queries(queries.arrays)
    near = np.einsum("md,md->m", vectors[query_rows], scorer.items.index.vectors[item_rows])
    items = len(scorer.items.frame)
    own = np.unique(_keys(queries.own, items))
    number = np.bincount(own[own >= 0] // items, minlength=len(queries))
    scores = np.column_stack(
        [near, related[query_rows, item_rows], scorer.standing.popularity[item_rows]]
    ).astype(np.float32)
    is_own = np.isin(query_rows * items + item_rows, own)
    columns: list[Any] = [
        scores,
        _against_others(scores, query_rows, ~is_own, len(queries)),
        is_own,
        np.log1p(number)[query_rows],
        _histories(scorer, queries).of(query_rows, item_rows),
        *_dense(scorer, queries, query_rows, item_rows),
    ]
    return np.column_stack(columns).astype(np.float32)


def _against_others(scores: Floats, query_rows: Ints, counted: NDArray[np.bool_], queries: int) -> Floats:
    """Standardise scores [m, s] by mean and deviation of the query's counted candidates.

    What a query met before is not counted: it is not always a candidate.
    """
    owners, values = query_rows[counted], scores[counted].astype(np.float64)
    number = np.maximum(np.bincount(owners, minlength=queries), 1)
    found = np.zeros(scores.shape, np.float32)
    for column, own in enumerate(values.T):
        mean = np.bincount(owners, own, queries) / number
        squares = np.bincount(owners, (own - mean[owners]) ** 2, queries) / number
        deviation = np.where(squares > 1e-12, np.sqrt(squares), 1.0)
        found[:, column] = (scores[:, column] - mean[query_rows]) / deviation[query_rows]
    return found


def _keys(own: Rows, items: int) -> Ints:
    keys = np.arange(len(own), dtype=np.int64)[:, None] * items + own
    return np.where(own >= 0, keys, -1).ravel()


def _histories(scorer: Scorer, queries: EncodedQueries) -> OwnPast:
    """Return what the queries' histories hold, with ages where they have them."""
    lookup = scorer.items.lookup
    parts: list[tuple[Ints, Ints, Floats]] = []
    for feature in scorer.schema.query.features:
        if feature.kind == "history":
            ids = queries.frame.columns[feature.name]
            lengths = lengths_of(ids)
            width = int(lengths.max(initial=0))
            rows = padded(lookup.find(cast(ids.flatten(), lookup.values.type)), lengths, width, -1)
            ages = np.full(rows.shape, np.nan, np.float32)
            if feature.ages is not None:
                dated = queries.frame.columns[feature.ages]
                ages = padded(floats_of(dated), lengths_of(dated), width, np.nan)
            held = rows >= 0
            parts.append((np.nonzero(held)[0].astype(np.int64), rows[held], ages[held]))
    empty = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    owners, known, days = (np.concatenate([part[n] for part in (empty, *parts)]) for n in range(3))
    return own_past(owners, known, days, items=len(scorer.items.frame))


def _dense(scorer: Scorer, queries: EncodedQueries, query_rows: Ints, item_rows: Ints) -> list[Floats]:
    """Return the dense columns of the items, and of the pairs without their context, [m, any] each."""
    pairs = pair_frame(
        scorer.schema,
        queries.frame,
        scorer.items.frame,
        query_rows=query_rows,
        item_rows=item_rows,
        times=queries.frame.times[query_rows],
        context={},
    )
    sides = (
        (scorer.items.arrays.get("item#dense"), item_rows),
        (scorer.models.preprocessor.encode("pair", pairs).get("pair#dense"), np.arange(len(query_rows))),
    )
    return [np.asarray(array[rows], np.float32) for array, rows in sides if array is not None]
