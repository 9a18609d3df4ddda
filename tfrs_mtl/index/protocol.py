"""What every index of item vectors can do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

Vectors = NDArray[np.float32]


class Excluded(NamedTuple):
    """Item rows that must not be found, per query, in compressed form.

    Attributes:
        indptr: ``[queries + 1]`` integers; query ``i`` owns ``rows[indptr[i]:indptr[i + 1]]``.
        rows: item rows of all queries, one after the other; doubles are allowed.
    """

    indptr: NDArray[np.integer[Any]]
    rows: NDArray[np.integer[Any]]

    def part(self, queries: slice) -> Excluded:
        """Return what a run of the queries must not find."""
        ends = self.indptr[queries.start : queries.stop + 1]
        return Excluded(ends - ends[0], self.rows[ends[0] : ends[-1]])


class Found(NamedTuple):
    """The best items of each query, best first.

    Attributes:
        rows: ``[queries, k]`` int32 item rows; -1 where a query has fewer than ``k`` items left.
        scores: ``[queries, k]`` float32 dot products; ``-inf`` where ``rows`` is -1.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]


class Index(Protocol):
    """Finds the items whose vectors have the largest dot product with a query's."""

    @classmethod
    def build(cls, vectors: Vectors) -> Self:
        """Build from item vectors ``[items, dim]``; row ``i`` is the item that ``Found.rows`` calls ``i``."""
        ...

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load what ``save`` wrote."""
        ...

    def save(self, directory: Path) -> None:
        """Write to a directory, which is made if it is missing."""
        ...

    @property
    def vectors(self) -> Vectors:
        """The item vectors, ``[items, dim]``."""
        ...

    @property
    def size(self) -> int:
        """How many items there are."""
        ...

    @property
    def dim(self) -> int:
        """Length of one vector."""
        ...

    def search(
        self,
        queries: Vectors,
        k: int,
        *,
        excluded: Excluded | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Found:
        """Return the best ``k`` items of each query.

        Args:
            queries: ``[queries, dim]`` float32.
            k: how many items; more than there are is no error, the rest is padded.
            excluded: items to leave out, per query.
            allowed: ``[items]``; false leaves an item out for all queries.

        Raises:
            RequestError: a negative ``k``, or arrays whose shapes or values do not fit the index.
        """
        ...
