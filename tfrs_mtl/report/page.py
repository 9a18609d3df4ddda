"""The report as one HTML page that needs no other file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from tfrs_mtl.evaluation.report import best
from tfrs_mtl.report import plots
from tfrs_mtl.report.gather import Report

_TEMPLATE = "page.html.j2"


class Cell(NamedTuple):
    """One value of a table: its text, what more a pointer shows, and whether it is the row's best."""

    text: str
    title: str = ""
    is_best: bool = False


class Grid(NamedTuple):
    """A table: a head, and rows of a name with its cells."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def render(report: Report) -> str:
    """Return the page."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((resources.files(__package__) / _TEMPLATE).read_text())
    return template.render(
        manifest=report.manifest,
        versions=sorted(report.manifest.versions.items()),
        has_peers=report.has_peers,
        retrieval=[metrics_grid(_WINDOWS.get(p, p), c) for p, c in report.retrieval.items()],
        ranking=[metrics_grid(task, contenders) for task, contenders in report.ranking.items()],
        learning=[Markup(plots.learning(n, h)) for n, h in report.histories.items() if h["epochs"]],
        figures=[Markup(svg) for svg in _figures(report.histories)],
        curves=[Markup(svg) for svg in _curves(report)],
        gates=Markup(plots.gates(report.gates)) if report.gates else None,
        importance=[Markup(svg) for svg in _importance(report)],
        cohorts=cohort_grid(report),
        examples=report.examples,
    )


_WINDOWS = {"all": "All of the test window", "new": "New to the query"}


def metrics_grid(title: str, contenders: Mapping[str, Mapping[str, Any]]) -> Grid:
    """Lay metrics out: a row a metric, a column a contender; the interval shows under the pointer."""
    names = tuple(dict.fromkeys(metric for metrics in contenders.values() for metric in metrics))
    rows = []
    for metric in names:
        given = {name: metrics[metric] for name, metrics in contenders.items() if metric in metrics}
        points = {name: v["value"] for name, v in given.items() if v["value"] is not None}
        winners = best(metric, points) if len(points) > 1 else frozenset()
        cells = (_cell(given.get(name), is_best=name in winners) for name in contenders)
        rows.append((metric, tuple(cells)))
    return Grid(title, tuple(name.replace("_", " ") for name in contenders), tuple(rows))


def cohort_grid(report: Report) -> Grid:
    """Lay cohorts out: a row a cohort, a column a task; the number of rows shows under the pointer."""
    tasks = tuple(dict.fromkeys((c.task, c.metric) for c in report.cohorts))
    found = {(c.cohort, c.task): c for c in report.cohorts}
    rows = []
    for name in dict.fromkeys(c.cohort for c in report.cohorts):
        cells = []
        for task, _ in tasks:
            cohort = found[name, task]
            text = f"{cohort.value:.4f}" if math.isfinite(cohort.value) else "-"
            cells.append(Cell(text, f"{cohort.rows:,} rows"))
        rows.append((name, tuple(cells)))
    return Grid("Cohorts", tuple(f"{task} ({metric})" for task, metric in tasks), tuple(rows))


def _cell(value: Mapping[str, Any] | None, *, is_best: bool) -> Cell:
    if value is None:
        return Cell("")
    if value["value"] is None:
        return Cell("-")
    interval = "" if value["low"] is None else f"95 %: {value['low']:.4f} to {value['high']:.4f}"
    return Cell(f"{value['value']:.4f}", interval, is_best)


def _curves(report: Report) -> Iterator[str]:
    for curves in report.curves:
        if curves.roc is not None and curves.precision is not None:
            yield plots.roc(curves)
            yield plots.precision(curves)
        yield plots.reliability(curves)


def _importance(report: Report) -> Iterator[str]:
    for task in dict.fromkeys(task for losses in report.importance.values() for task in losses):
        losses = {feature: tasks[task] for feature, tasks in report.importance.items()}
        if all(math.isfinite(value) for value in losses.values()):
            yield plots.bars(f"{task}: loss when shuffled", losses, xlabel="AUC, R2 or entropy explained")


def _figures(histories: Mapping[str, Any]) -> Iterator[str]:
    """Draw what else a training observed, say the weights and conflicts of tasks, by its first word."""
    for name, history in histories.items():
        series: dict[str, dict[str, list[float]]] = {}
        for epoch in history["epochs"]:
            for figure, value in epoch.get("figures", {}).items():
                series.setdefault(figure.split("/")[0], {}).setdefault(figure, []).append(value)
        for kind, drawn in series.items():
            yield plots.lines(f"{name}: {kind}", drawn, ylabel=kind)
