"""From each seed's metrics and costs to what the benchmark prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

OURS, ALONE = "ours", "single_task"

Table = dict[str, dict[str, dict[str, float]]]
"""Task -> contender -> metric -> value."""


@dataclass(frozen=True)
class Cost:
    """What a contender's training took; rows a second are those of the training steps alone."""

    seconds: float
    parameters: int | None
    rows_per_second: float | None
    scoring_ms: float | None = None


def summary(seeds: list[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, list[float]]]:
    """Return contender -> metric -> [mean, standard deviation] over the seeds."""
    return {
        name: {
            metric: [round(float(f([seed[name][metric] for seed in seeds])), 5) for f in (np.mean, np.std)]
            for metric in seeds[0][name]
        }
        for name in seeds[0]
    }


def means(table: Mapping[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    return {
        task: {name: {m: v[0] for m, v in values.items()} for name, values in contenders.items()}
        for task, contenders in table.items()
    }


def transfer(seeds: Sequence[Table]) -> dict[str, Any]:
    """Return task -> metric -> [mean, standard deviation] of ours minus the task's own model."""
    if not all(name in seeds[0][task] for task in seeds[0] for name in (OURS, ALONE)):
        return {}
    return {
        task: summary([{OURS: _minus(seed[task][OURS], seed[task][ALONE])} for seed in seeds])[OURS]
        for task in seeds[0]
    }


def _minus(own: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {metric: value - other[metric] for metric, value in own.items()}


def cost(seeds: list[Cost]) -> dict[str, Any]:
    speed, scoring = _mean([c.rows_per_second for c in seeds]), _mean([c.scoring_ms for c in seeds])
    return {
        "seconds": round(float(np.mean([c.seconds for c in seeds])), 1),
        "rows_per_s": None if speed is None else round(speed),
        "parameters": seeds[0].parameters,
        "scoring_ms": None if scoring is None else round(scoring, 2),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def scoring(costs: Mapping[str, Mapping[str, Any]], by_keras: Sequence[float | None]) -> dict[str, Any]:
    """Return the milliseconds of 500 candidates: ours, ours by the eager call, a model a task."""
    taken = _mean(by_keras)
    return {
        "ours_ms": costs.get(OURS, {}).get("scoring_ms"),
        "eager_ms": None if taken is None else round(taken, 2),
        "single_task_ms": costs.get(ALONE, {}).get("scoring_ms"),
    }


def cost_line(name: str, figures: Mapping[str, Any]) -> str:
    speed, size, taken = figures["rows_per_s"], figures["parameters"], figures["scoring_ms"]
    return (
        f"{name:20}{figures['seconds']:8.1f} s  {speed or 0:10,.0f} rows/s  {size or 0:12,} parameters"
        f"{'' if taken is None else f'{taken:9.2f} ms'}"
    )
