"""What a person sees of a training: a bar an epoch on a terminal, a line an epoch anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tfrs_mtl import spec
from tfrs_mtl.training.history import History

Advance = Callable[[int, Callable[[], tuple[float, float]]], None]
"""Called with the steps done and what gives (mean loss, rows a second) when they are to be shown."""

STEPS_BETWEEN = 20


@contextmanager
def epoch_bar(console: Console | None, title: str, steps: int) -> Iterator[Advance]:
    """Show a bar while an epoch lasts, if the console is a terminal."""
    if console is None or not console.is_terminal:
        yield lambda done, state: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=steps)

        def advance(done: int, state: Callable[[], tuple[float, float]]) -> None:
            if done % STEPS_BETWEEN == 0:
                loss, speed = state()
                bar.update(task, completed=done, description=f"{title} loss {loss:.4f} {speed:,.0f} rows/s")

        yield advance


def print_title(console: Console | None, title: str) -> None:
    """Say which model is trained next."""
    if console is not None:
        console.print(title, style="bold", highlight=False)


def print_epoch(console: Console | None, history: History, settings: spec.Training) -> None:
    """Print the last epoch of a history as one line."""
    if console is None:
        return
    epoch = history.epochs[-1]
    mark = " (best)" if history.best == epoch.number else ""
    console.print(
        f"epoch {epoch.number}/{settings.epochs}: loss {epoch.loss:.4f}, "
        f"validation {epoch.metric:.4f}{mark}, {epoch.seconds:.1f} s, {epoch.rows_per_second:,.0f} rows/s",
        highlight=False,
        soft_wrap=True,
    )
