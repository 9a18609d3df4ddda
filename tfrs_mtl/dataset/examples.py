"""What the models are fed: numeric columns, described by inputs and gathered into examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Form = Literal["category", "dense", "bag", "history"]

NULL = 0
"""Id of a missing value, and of padding."""
UNKNOWN = 1
"""Id of every value that the training window did not hold."""


def ages_of(name: str) -> str:
    """Return the name of the array that holds a history's ages."""
    return f"{name}#ages"


@dataclass(frozen=True)
class ModelInput:
    """One numeric input of a model.

    Attributes:
        name: its key in a batch. A history has a second array under ``ages_of(name)``.
        form: ``category``: int32 ids [n]; ``dense``: float32 [n, size]; ``bag``: int32 ids [n, length],
            padded with 0; ``history``: int32 item ids [n, length], most recent first, padded with 0, and
            float32 ages in days [n, length].
        size: number of ids (0 is null and padding, 1 is unknown), or the width of a dense input.
        table: name of the embedding table; inputs that name the same table share it. Empty for dense.
        dim: width of the embedding; 0 for dense.
    """

    name: str
    form: Form
    size: int
    table: str = ""
    dim: int = 0


Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Block:
    """Columns that many examples share, and the row each example takes.

    Attributes:
        arrays: name -> [rows, ...].
        rows: int32 [n], the row of each example; None where example i takes row i.
    """

    arrays: Arrays
    rows: NDArray[np.int32] | None = None


@dataclass(frozen=True)
class Examples:
    """n examples. A batch is the gathered union of all blocks' arrays.

    Attributes:
        blocks: the query's, the item's and the pair's columns; their array names do not collide.
        labels: task -> float32 [n], NaN where the label is absent or not known yet.
        size: n.
        slates: int32 [n], the slate of each row, where slates are to stay together; None where not.
        weights: task -> float32 [n], what each row weighs in its loss; of the tasks whose rows differ in it.
        times: microseconds, [n], where the rows of a batch are to be near each other in time; None where not.
    """

    blocks: tuple[Block, ...]
    size: int
    labels: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    times: NDArray[np.int64] | None = None
    slates: NDArray[np.int32] | None = None
    weights: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def gather(self, start: int, stop: int) -> dict[str, NDArray[np.generic]]:
        """Return all blocks' arrays of a stretch of examples, [stop - start, ...]."""
        return {
            name: array[start:stop] if block.rows is None else array[block.rows[start:stop]]
            for block in self.blocks
            for name, array in block.arrays.items()
        }
