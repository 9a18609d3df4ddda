"""What the interactions' columns hold: which could be labels, and of what kind of task."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfrs_mtl.errors import DataError, RequestError, nearest
from tfrs_mtl.schema import Column, View

_NUMBERS = ("bool", "int", "float")
_LEVELS = 11  # 0 to 10
_MOSTLY = 0.5
_RATING = re.compile(r"(^|[_\s.-])(rating|stars?|score|grade)s?$", re.IGNORECASE)
_ID = re.compile(r"(^|[_\s.-])(id|code|no|nr|key|number)$", re.IGNORECASE)


@dataclass(frozen=True)
class LabelFacts:
    """A column that a task could learn.

    Attributes:
        known: share of the interactions where it is not null.
        mean: of the known values; of a binary one, the share that is true.
        loss: of a regression whose values speak for another than the squared one.
    """

    column: Column
    kind: Literal["binary", "regression", "ordinal"]
    known: float
    mean: float
    loss: Literal["poisson", "zero_inflated_lognormal"] | None = None

    @property
    def is_always_true(self) -> bool:
        """Whether it says nothing but that the interaction took place."""
        return self.kind == "binary" and self.known == 1 and self.mean == 1

    @property
    def text(self) -> str:
        """What it holds, in a few words."""
        what = f"{self.mean:.1%} true" if self.kind == "binary" else f"mean {self.mean:.4g}"
        return what if self.known > 0.9995 else f"{what}, {1 - self.known:.1%} null"

    @property
    def is_likely_id(self) -> bool:
        """Whether its numbers most likely name something, and measure nothing."""
        return self.column.dtype.base == "int" and _ID.search(self.column.name) is not None


def countable(view: View) -> tuple[Column, ...]:
    """Return the columns whose type a label can have."""
    return tuple(c for c in view.columns if c.dtype.base in _NUMBERS and not c.dtype.is_list)


def find_labels(columns: Sequence[Column], rows: pa.Table) -> dict[str, LabelFacts]:
    """Return facts of each column that holds something to learn, by name."""
    found = ((column, _facts(column, rows.column(column.name))) for column in columns)
    return {column.name: facts for column, facts in found if facts is not None}


def _facts(column: Column, values: pa.ChunkedArray) -> LabelFacts | None:
    held = values.drop_null().cast(pa.float64())
    numbers = np.asarray(held.to_numpy())
    if len(numbers) == 0 or not np.isfinite(numbers).all():
        return None
    known, mean = len(numbers) / len(values), float(numbers.mean())
    is_whole = column.dtype.base in ("bool", "int")
    distinct = pc.unique(held)
    if is_whole and set(distinct[:3].to_pylist()) <= {0.0, 1.0}:
        return LabelFacts(column, "binary", known, mean) if mean > 0 else None
    if len(distinct) == 1:
        return None
    if len(distinct) <= _LEVELS and _RATING.search(column.name):
        return LabelFacts(column, "ordinal", known, mean)
    return LabelFacts(column, "regression", known, mean, _loss(numbers, is_whole=is_whole))


def _loss(
    values: NDArray[np.float64], *, is_whole: bool
) -> Literal["poisson", "zero_inflated_lognormal"] | None:
    """Counts are Poisson's; an amount that is mostly nothing is two questions, whether and how much."""
    if values.min() < 0:
        return None
    if is_whole:
        return "poisson"
    return "zero_inflated_lognormal" if np.mean(values == 0) >= _MOSTLY else None


def choose_labels(found: dict[str, LabelFacts], wished: Sequence[str], *, view: View) -> list[LabelFacts]:
    """Return the labels, the one that says what is to be recommended first.

    Where none is wished, it is the only binary one, or the only one that is true of all interactions.

    Raises:
        RequestError: a wished column is no label, or there are several to choose from.
        DataError: there is none.
    """
    for name in wished:
        if name not in found:
            raise RequestError(
                f"--label: {name!r} is no label: expected a column of view {view.name!r} that holds "
                f"numbers, and not one number alone; {nearest(name, list(found))}"
            )
    binary = [facts for facts in found.values() if facts.kind == "binary"]
    if not binary:
        raise DataError(
            f"feature view {view.name!r} has no boolean or 0/1 column that is ever true: one must say which "
            "interactions are to be recommended; where all are, add a column that is always true"
        )
    if wished:
        if found[wished[0]].kind != "binary":
            names = ", ".join(f"{facts.column.name} ({facts.text})" for facts in binary)
            raise RequestError(
                f"--label: the first one says what is to be recommended, so it is 0 or 1; {wished[0]!r} is "
                f"not; there are: {names}"
            )
        return [found[name] for name in dict.fromkeys(wished)]
    always = [facts for facts in binary if facts.is_always_true]
    if len(binary) == 1 or len(always) == 1:
        return binary if len(binary) == 1 else always
    names = ", ".join(f"{facts.column.name} ({facts.text})" for facts in binary)
    raise RequestError(f"say by --label which column says what is to be recommended: {names}")
