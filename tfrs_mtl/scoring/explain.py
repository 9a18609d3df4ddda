"""Which features moved the scores of ranked pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import Arrays
from tfrs_mtl.dataset.frames import ITEM_ID, QUERY_ID, Frame, pair_frame
from tfrs_mtl.models import PARTS
from tfrs_mtl.ranking.attribution import Score, attribute, column_names
from tfrs_mtl.schema import Schema
from tfrs_mtl.scoring.objective import Floats
from tfrs_mtl.scoring.scorer import Scorer

SENSITIVE = "(sensitive)"
"""What all sensitive features are called together."""


class Explained(NamedTuple):
    """Where the scores of n pairs come from: baseline and features sum to the score.

    Attributes:
        baseline: the score of an unknown query and an item of which nothing but its exposure is known, [n].
        features: ``view:column``, the join key's name of an id, or ``SENSITIVE`` of all that are so.
        moved: what each feature adds to the baseline, [n, features].
    """

    baseline: Floats
    features: tuple[str, ...]
    moved: Floats


def explain(
    scorer: Scorer,
    queries: Frame,
    query_rows: NDArray[np.int64],
    item_rows: NDArray[np.int64],
    *,
    context: Mapping[str, pa.Array],
    weights: Mapping[str, float],
) -> Explained:
    """Explain the scores of n (query row, item row) pairs; other arguments as of ``Scorer.rank``."""
    models = scorer.models
    pairs = pair_frame(
        scorer.schema,
        queries,
        scorer.items.frame,
        query_rows=query_rows,
        item_rows=item_rows,
        times=queries.times[query_rows],
        context={name: column.take(pa.array(query_rows)) for name, column in context.items()},
    )
    sides = (
        (models.preprocessor.encode("query", queries), query_rows),
        (scorer.items.arrays, item_rows),
        (models.preprocessor.encode("pair", pairs), np.arange(len(query_rows))),
    )
    features: Arrays = {name: array[rows] for arrays, rows in sides for name, array in arrays.items()}
    exposure = None if scorer.exposure is None else scorer.exposure[item_rows]
    found = attribute(models.ranking, features, _score(scorer, weights, exposure))
    owners = _owners(scorer)
    dense = {f"{part}#dense": models.preprocessor.columns(part) for part in PARTS}
    columns = [owners[name] for name in column_names(models.ranking, dense)]
    names = tuple(dict.fromkeys(columns))
    moved = np.zeros((len(query_rows), len(names)), np.float32)
    np.add.at(moved.T, [names.index(name) for name in columns], found.columns.T)
    return Explained(found.baseline, names, moved)


def _score(scorer: Scorer, weights: Mapping[str, float], exposure: Floats | None) -> Score:
    """Return ``as_shares`` and ``expected_value`` in TensorFlow, which has their slopes."""
    tasks = {task.name: task for task in scorer.schema.spec.ranking.tasks}

    def score(predictions: Mapping[str, Any], rows: NDArray[np.int64]) -> Any:
        values = dict(predictions)
        for name, task in tasks.items():
            if exposure is not None and task.kind == "binary" and task.when is None:
                chance = tf.clip_by_value(values[name], 0.0, 1 - 1e-7)
                odds = chance / (1 - chance)
                if name in scorer.models.shares:
                    odds = scorer.models.shares[name].odds(odds, exposure[rows])
                    values[name] = odds / (1 + odds)
                else:
                    values[name] = tf.minimum(odds * exposure[rows], 1.0)
        total = 0.0
        for name, weight in weights.items():
            value, parent = values[name] * weight, tasks[name].when
            while parent is not None:
                value, parent = value * values[parent], tasks[parent].when
            total = total + value
        return total

    return score


def _owners(scorer: Scorer) -> dict[str, str]:
    """Return name of an input or a dense column -> the feature that it is of, as people name it."""
    preprocessor, schema = scorer.models.preprocessor, scorer.schema
    people = names_for_people(schema)
    return {
        name: people[encoder.feature]
        for part in PARTS
        for encoder in preprocessor.part(part)
        for name in (*encoder.columns, *(given.name for given in encoder.inputs))
    }


def names_for_people(schema: Schema) -> dict[str, str]:
    """Return full name of a feature, or of a side's own key, -> ``view:column``, or the key's name.

    All sensitive features share one name, so that what is told by name is told of them as a sum.
    """
    looked_up = [feature for pair in schema.pairs for feature in pair.features]
    features = [*schema.query.features, *schema.item.features, *looked_up, *schema.context]
    keys = {QUERY_ID: schema.query.key.name, ITEM_ID: schema.item.key.name}
    named = {feature.name: f"{feature.view}:{feature.column}" for feature in features}
    return {**keys, **named, **dict.fromkeys(schema.sensitive & named.keys(), SENSITIVE)}
