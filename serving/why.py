"""Why an item stands where it stands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from serving.answer import Why
from serving.request import Request
from serving.sources import Candidates
from serving.state import State
from tfrs_mtl.scoring import expected_value


def reason(
    state: State,
    request: Request,
    candidates: Candidates,
    query: int,
    row: int,
    predictions: Mapping[str, float],
) -> Why:
    """Return the reasons for one item of one query, which is row ``row`` of the snapshot."""
    single = {task: np.array([value], np.float32) for task, value in predictions.items()}
    tasks = state.schema.spec.ranking.tasks
    return Why(
        sources=candidates.scores(query, row),
        contributions={
            task: float(expected_value(tasks, single, {task: weight})[0])
            for task, weight in request.weights.items()
        },
        snapshot_age=(request.at - state.at).total_seconds(),
    )
