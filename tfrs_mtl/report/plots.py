"""The report's drawings, each as the text of an SVG element."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from tfrs_mtl.report.curves import TaskCurves

_SIZE = (4.4, 3.2)
_FEATURES = 20
_STYLE: Any = {"svg.hashsalt": "tfrs-mtl", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False}
_STYLE |= {"axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3}


def learning(name: str, history: Mapping[str, Any]) -> str:
    """Draw loss and validation metric by epoch; the best epoch is marked."""
    epochs = history["epochs"]
    numbers = [epoch["number"] for epoch in epochs]

    def draw(axes: Any) -> None:
        axes.plot(numbers, [epoch["loss"] for epoch in epochs], "o-", color="tab:gray", label="loss")
        axes.set(title=name, xlabel="epoch", ylabel="training loss", xticks=numbers)
        beside = axes.twinx()
        beside.plot(numbers, [epoch["metric"] for epoch in epochs], "s-", color="tab:blue")
        beside.axvline(history["best"], color="tab:blue", linestyle=":")
        beside.set_ylabel("validation (blue)")
        beside.grid(visible=False)

    return _svg(draw)


def roc(curves: TaskCurves) -> str:
    """Draw the true positive rate by the false positive rate."""
    assert curves.roc is not None
    line = curves.roc

    def draw(axes: Any) -> None:
        axes.plot(line.x, line.y)
        axes.plot([0, 1], [0, 1], ":", color="tab:gray")
        axes.set(title=f"{curves.task}: ROC", xlabel="false positive rate", ylabel="true positive rate")

    return _svg(draw)


def precision(curves: TaskCurves) -> str:
    """Draw precision by recall, beside the base rate."""
    assert curves.precision is not None
    line = curves.precision

    def draw(axes: Any) -> None:
        axes.plot(line.x, line.y)
        axes.axhline(curves.base, linestyle=":", color="tab:gray")
        axes.set(title=f"{curves.task}: precision and recall", xlabel="recall", ylabel="precision")
        axes.set_ylim(0, 1)

    return _svg(draw)


def reliability(curves: TaskCurves) -> str:
    """Draw the mean label by the mean prediction, bins of equal size."""
    bins = curves.bins

    def draw(axes: Any) -> None:
        low = min(bins.predicted.min(), bins.actual.min())
        high = max(bins.predicted.max(), bins.actual.max())
        axes.plot([low, high], [low, high], ":", color="tab:gray")
        axes.plot(bins.predicted, bins.actual, "o-")
        axes.set(title=f"{curves.task}: reliability", xlabel="mean prediction", ylabel="mean label")

    return _svg(draw)


def bars(title: str, values: Mapping[str, float], *, xlabel: str) -> str:
    """Draw a horizontal bar a name, the largest on top; the 20 largest of them."""
    largest = sorted(values.items(), key=lambda pair: pair[1])[-_FEATURES:]

    def draw(axes: Any) -> None:
        axes.barh([name for name, _ in largest], [value for _, value in largest])
        axes.set(title=title, xlabel=xlabel)

    return _svg(draw, size=(6.4, 0.8 + 0.2 * len(largest)))


def gates(shares: Mapping[str, Sequence[float]]) -> str:
    """Draw each task's mean share of each expert as a grid."""

    def draw(axes: Any) -> None:
        grid = [list(row) for row in shares.values()]
        image = axes.imshow(grid, cmap="Blues", vmin=0, aspect="auto")
        axes.set(title="Experts by task", xlabel="expert", yticks=range(len(shares)))
        axes.set_yticklabels(list(shares))
        axes.set_xticks(range(len(grid[0])))
        axes.grid(visible=False)
        axes.figure.colorbar(image, label="mean share")

    return _svg(draw, size=(6.4, 1.2 + 0.35 * len(shares)))


def lines(title: str, series: Mapping[str, Sequence[float]], *, ylabel: str) -> str:
    """Draw a line a name by epoch."""

    def draw(axes: Any) -> None:
        for name, values in series.items():
            axes.plot(range(1, len(values) + 1), values, "o-", label=name)
        axes.set(title=title, xlabel="epoch", ylabel=ylabel)
        axes.legend(fontsize=7)

    return _svg(draw)


def _svg(draw: Callable[[Any], None], *, size: tuple[float, float] = _SIZE) -> str:
    """Return a drawing as an element that stands in a page; the same drawing is the same text."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return re.sub(r"^.*?(?=<svg)", "", stream.getvalue(), flags=re.DOTALL)
