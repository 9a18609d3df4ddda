"""Metrics of contenders side by side: a rich table for people, a plain tree for ``--json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

from rich.table import Table
from rich.text import Text

from tfrs_mtl.evaluation.bootstrap import Interval

Value: TypeAlias = float | Interval
Metrics: TypeAlias = Mapping[str, Value]
Tree: TypeAlias = Value | Mapping[str, "Tree"]
Plain: TypeAlias = float | dict[str, "Plain"] | None

LOWER_IS_BETTER = frozenset({"log_loss", "normalised_entropy", "ece", "rmse", "mae", "deviance"})
ONE_IS_BEST = frozenset({"pcoc"})


def retrieval_table(contenders: Mapping[str, Metrics], *, title: str) -> Table:
    """Show retrieval metrics: a row a metric, a column a contender, the best value of each row in bold.

    Args:
        contenders: contender -> metric -> value, with or without an interval.
        title: stands above the table, say the protocol ("all purchases").
    """
    table = Table(title=title)
    table.add_column("metric")
    for contender in contenders:
        table.add_column(Text(contender), justify="right")
    for metric in _metric_names(contenders):
        table.add_row(metric, *_cells(metric, contenders))
    return table


def ranking_table(tasks: Mapping[str, Mapping[str, Metrics]], *, title: str) -> Table:
    """Show ranking metrics: a section a task, a row a metric, a column a contender, each row's best in bold.

    Args:
        tasks: task -> contender -> metric -> value, with or without an interval. A contender may lack a task.
        title: stands above the table.
    """
    table = Table(title=title)
    table.add_column("task")
    table.add_column("metric")
    names = list(dict.fromkeys(name for contenders in tasks.values() for name in contenders))
    for contender in names:
        table.add_column(Text(contender), justify="right")
    for task, contenders in tasks.items():
        aligned = {name: contenders.get(name, {}) for name in names}
        for place, metric in enumerate(_metric_names(aligned)):
            table.add_row(Text(task if place == 0 else ""), metric, *_cells(metric, aligned))
        table.add_section()
    return table


def point_values(tree: Tree) -> Plain:
    """Turn nested metrics into a tree for JSON that holds values alone; NaN and infinity become None."""
    if isinstance(tree, Mapping):
        return {name: point_values(branch) for name, branch in tree.items()}
    return _finite(tree.value if isinstance(tree, Interval) else tree)


def with_intervals(tree: Tree) -> Plain:
    """Turn nested metrics into a tree for JSON; an interval becomes ``{"value", "low", "high"}``."""
    if isinstance(tree, Mapping):
        return {name: with_intervals(branch) for name, branch in tree.items()}
    if isinstance(tree, Interval):
        return {name: _finite(part) for name, part in tree._asdict().items()}
    return _finite(tree)


def best(metric: str, values: Mapping[str, float]) -> frozenset[str]:
    """Return the contenders with the best value of a metric (``recall@10``, ``rmse``); several when they tie.

    NaN never wins. Lower is better for losses and errors, nearest to 1 for ``pcoc``, higher for all else.
    """
    costs = {name: _cost(metric, value) for name, value in values.items() if math.isfinite(value)}
    lowest = min(costs.values(), default=0.0)
    return frozenset(name for name, cost in costs.items() if cost == lowest)


def _cost(metric: str, value: float) -> float:
    if metric in ONE_IS_BEST:
        return abs(value - 1)
    return value if metric in LOWER_IS_BETTER else -value


def _metric_names(contenders: Mapping[str, Metrics]) -> list[str]:
    return list(dict.fromkeys(name for metrics in contenders.values() for name in metrics))


def _cells(metric: str, contenders: Mapping[str, Metrics]) -> list[Text]:
    values = {name: _point(metrics[metric]) for name, metrics in contenders.items() if metric in metrics}
    winners = best(metric, values) if len(values) > 1 else frozenset()
    return [
        _cell(metrics[metric], is_best=name in winners) if metric in metrics else Text("")
        for name, metrics in contenders.items()
    ]


def _cell(value: Value, *, is_best: bool) -> Text:
    point = _point(value)
    text = Text(f"{point:.4f}" if math.isfinite(point) else "-", style="bold" if is_best else "")
    if isinstance(value, Interval) and math.isfinite(value.low):
        text.append(f" [{value.low:.4f}, {value.high:.4f}]", style="dim not bold")
    return text


def _point(value: Value) -> float:
    return value.value if isinstance(value, Interval) else value


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
