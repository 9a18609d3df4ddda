"""What is noted of a ranking model after each epoch: weights of tasks, gates, and whether the tasks agree."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from tfrs_mtl.ranking.conflict import cosines
from tfrs_mtl.ranking.gates import gates_of
from tfrs_mtl.ranking.model import RankingModel


def task_figures(model: RankingModel, batches: Iterable[Any]) -> dict[str, float]:
    """Return figures by name; of a single task there are none, and what has no meaning is left out.

    ``weight/<task>``: the mean weight of its loss over the epoch, static weight included.
    ``conflict/<task>/<task>``: the mean over some batches of the cosine between the two losses' gradients in
    what the tasks share; below 0 they pull apart.
    ``gate <task>/<n>``: the mean share of expert n in what the task sees, over the same batches.
    """
    names = [task.name for task in model.ranking.tasks]
    factors = model.balance.mean_factors() * np.asarray(model.balance.static)
    if len(names) == 1:
        return {}
    figures = {f"weight/{name}": float(weight) for name, weight in zip(names, factors, strict=True)}
    batches = list(batches)
    found = [cosines(model.losses_with_gram(batch)[1].numpy(), names) for batch in batches]
    for pair in found[0] if found else ():
        values = [cosine[pair] for cosine in found if math.isfinite(cosine[pair])]
        figures["/".join(("conflict", *pair))] = float(np.mean(values)) if values else math.nan
    gates = [gates_of(model, batch) for batch in batches]
    for task in gates[0] if gates else ():
        shares = np.mean([gate[task] for gate in gates], axis=0)
        figures |= {f"gate {task}/{number}": float(share) for number, share in enumerate(shares, 1)}
    return {name: round(value, 6) for name, value in figures.items() if math.isfinite(value)}
