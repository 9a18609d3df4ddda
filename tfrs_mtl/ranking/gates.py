"""Which experts each task listens to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfrs_mtl.ranking.model import RankingModel


def gates_of(model: RankingModel, features: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    """Return each task's mean share of each expert over a batch; nothing where no experts are mixed."""
    architecture = model.architecture
    mixing = architecture.mixing(architecture.first(model.encode(features)))
    if mixing is None:
        return {}
    means = np.asarray(mixing).mean(axis=0)
    return {task.name: tuple(map(float, means[place])) for place, task in enumerate(model.ranking.tasks)}
