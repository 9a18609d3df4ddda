"""The grid of snapshot times: the multiples of a step since the Unix epoch, numbered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from tfrs_mtl.errors import DataError

DAY = 86_400_000_000
"""Microseconds of a day."""

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(span: timedelta) -> int:
    """Return a span in whole microseconds."""
    return span // _MICROSECOND


@dataclass(frozen=True)
class Grid:
    """Snapshot times ``number * every`` since the epoch, whoever was active when.

    A snapshot that exists only because its entity was active that day tells the label by its freshness.

    Attributes:
        every: the step, in microseconds.
    """

    every: int

    def at_or_before(self, moment: datetime) -> int:
        """Return the number of the last grid time that is not after ``moment``."""
        if moment.tzinfo is None:
            raise DataError(
                f"a time with a zone was expected, got {moment.isoformat()}; add one, such as UTC"
            )
        return microseconds(moment - EPOCH) // self.every

    def time(self, number: int) -> datetime:
        """Return the grid time of that number, UTC."""
        return EPOCH + timedelta(microseconds=number * self.every)

    def after_sql(self, microseconds_sql: str) -> str:
        """Return SQL for the number of the first grid time strictly after a time in microseconds.

        DuckDB's ``//`` rounds towards zero, so times are moved beyond 1970 and back.
        """
        moved = 4_000_000_000_000_000_000 // (2 * self.every)
        return f"(({microseconds_sql}) + {moved * self.every}) // {self.every} - {moved - 1}"


@dataclass(frozen=True)
class Span:
    """The grid times ``first`` to ``last``, both included; empty if ``last < first``."""

    first: int
    last: int

    def __len__(self) -> int:
        return max(0, self.last - self.first + 1)

    def pieces(self, count: int) -> Iterator[Span]:
        """Yield ``count`` or fewer spans of nearly equal length that make up this one, in order."""
        step = -(-len(self) // max(1, count))
        for first in range(self.first, self.last + 1, max(1, step)):
            yield Span(first, min(first + step - 1, self.last))
