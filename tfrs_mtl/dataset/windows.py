"""The split by time: train, then validate, then test."""

from __future__ import annotations

from dataclasses import dataclass

from tfrs_mtl.dataset.interactions import Interactions, microseconds
from tfrs_mtl.spec import Split


@dataclass(frozen=True)
class Window:
    """A stretch of time ``start <= time < end`` in microseconds; labels of it are known by ``end``.

    Attributes:
        start: None reaches back to the first interaction.
    """

    start: int | None
    end: int

    def of(self, interactions: Interactions) -> Interactions:
        """Return the interactions of this window."""
        return interactions.between(self.start, self.end)


@dataclass(frozen=True)
class Windows:
    """The three windows of a split."""

    train: Window
    validation: Window
    test: Window

    @property
    def bounds(self) -> tuple[int, int]:
        """The moments at which one window gives way to the next."""
        return self.train.end, self.validation.end


def split_windows(split: Split, interactions: Interactions) -> Windows:
    """Return the windows; the last ends with the split's end, or just after the last interaction."""
    validation, test = microseconds(split.validation), microseconds(split.test)
    last = int(interactions.times[-1]) + 1 if len(interactions) else test + 1
    end = microseconds(split.end) if split.end else max(last, test + 1)
    return Windows(Window(None, validation), Window(validation, test), Window(test, end))
