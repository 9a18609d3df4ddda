"""Exact search: a blocked matrix product, then the best k of every row of scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from tfrs_mtl.errors import BundleError, RequestError
from tfrs_mtl.index.protocol import Excluded, Found, Vectors
from tfrs_mtl.index.selection import bounds, descending, group_maxima, group_size

_FILE = "vectors.npy"
_BLOCK_BYTES = 64 * 2**20
_FEW = 4  # where at most 1 / _FEW of the items are allowed, they are gathered and searched alone


@dataclass(frozen=True)
class ExactIndex:
    """All item vectors in one matrix; every query meets every item.

    The matrix product is float32 and decides who may be among the best; those are scored again in
    float64 and ordered by that score, rounded to float32, ties by row. So the answer does not depend on
    how many queries are searched together, nor on the machine's BLAS.

    Attributes:
        vectors: ``[items, dim]`` float32, C-contiguous and finite; may be memory-mapped.
        longest: the largest norm of a vector, which bounds the rounding error of the product.
    """

    vectors: Vectors
    longest: float

    @classmethod
    def build(cls, vectors: Vectors) -> Self:
        """Build from ``[items, dim]`` vectors, which must be finite (RequestError)."""
        vectors = _matrix(vectors, "item vectors")
        return cls(vectors, _longest(vectors))

    @classmethod
    def load(cls, directory: Path, *, memory_map: bool = False) -> Self:
        """Load what ``save`` wrote; mapped, processes of one machine share the matrix.

        Raises:
            BundleError: the file is missing or damaged.
        """
        file = directory / _FILE
        try:
            vectors = np.load(file, mmap_mode="r" if memory_map else None, allow_pickle=False)
            return cls.build(vectors)
        except (OSError, ValueError, EOFError, RequestError) as error:
            raise BundleError(f"{file}: expected a float32 matrix of item vectors: {error}") from error

    def save(self, directory: Path) -> None:
        """Write the matrix to ``vectors.npy`` in the directory."""
        directory.mkdir(parents=True, exist_ok=True)
        np.save(directory / _FILE, self.vectors, allow_pickle=False)

    @property
    def size(self) -> int:
        """How many items there are."""
        return int(self.vectors.shape[0])

    @property
    def dim(self) -> int:
        """Length of one vector."""
        return int(self.vectors.shape[1])

    def search(
        self,
        queries: Vectors,
        k: int,
        *,
        excluded: Excluded | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Found:
        """Return the best ``k`` items of each query; see ``Index.search``."""
        queries = self.checked(queries, k, excluded, allowed)
        if allowed is not None and np.count_nonzero(allowed) * _FEW <= self.size:
            return self._search_few(queries, k, excluded, np.flatnonzero(allowed))
        found = Found(
            np.full((len(queries), k), -1, dtype=np.int32),
            np.full((len(queries), k), -np.inf, dtype=np.float32),
        )
        if k and self.size:
            for start, scores in self._blocks(queries, excluded, allowed, size=group_size(self.size, k)):
                self._select(queries[start : start + len(scores)], scores, k, start, found)
        return found

    def _search_few(
        self, queries: Vectors, k: int, excluded: Excluded | None, rows: NDArray[np.intp]
    ) -> Found:
        """Search the given rows alone, as an index of their own."""
        if excluded is not None:
            excluded = _renumbered(excluded, rows, self.size)
        found = type(self)(self.vectors[rows], self.longest).search(queries, k, excluded=excluded)
        named = np.append(rows, -1).astype(np.int32)[found.rows]
        return Found(named, found.scores)

    def _blocks(
        self, queries: Vectors, excluded: Excluded | None, allowed: NDArray[np.bool_] | None, *, size: int
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield the first query of each block and its scores: ``-inf`` for padding and what is left out."""
        width = -(-self.size // size) * size
        length = min(len(queries), max(1, _BLOCK_BYTES // (4 * width)))
        buffer = np.empty((length, width), dtype=np.float32)
        buffer[:, self.size :] = -np.inf
        penalty = None if allowed is None else np.where(allowed, np.float32(0), np.float32(-np.inf))
        for start in range(0, len(queries), max(length, 1)):
            block = queries[start : start + length]
            scores = buffer[: len(block)]
            self._multiply(block, scores[:, : self.size])
            if penalty is not None:
                scores[:, : self.size] += penalty
            if excluded is not None:
                _leave_out(scores, excluded, start)
            yield start, scores

    def _multiply(self, queries: Vectors, out: NDArray[np.float32]) -> None:
        """Write all dot products, [batch, items]."""
        if len(queries) == 1:
            # Memory bounds this one, so a second thread gains little; BLAS would wake them all, and let them
            # spin for milliseconds afterwards at the cost of whatever else the process does.
            np.einsum("nd,d->n", self.vectors, queries[0], out=out[0])
        else:
            np.matmul(queries, self.vectors.T, out=out)

    def _select(
        self, queries: Vectors, scores: NDArray[np.float32], k: int, start: int, found: Found
    ) -> None:
        """Fill ``found`` for one block of queries."""
        wide = queries.astype(np.float64)
        maxima = group_maxima(scores, group_size(self.size, k))
        limits = bounds(maxima, k, margin=self._margin(wide))
        for place, limit in enumerate(limits):
            rows = np.flatnonzero(scores[place] >= limit)
            exact = np.einsum("nd,d->n", self.vectors.take(rows, axis=0), wide[place]).astype(np.float32)
            best = descending(exact)[:k]
            found.rows[start + place, : len(best)] = rows[best]
            found.scores[start + place, : len(best)] = exact[best]

    def _margin(self, queries: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return ``[batch]``: twice the largest error of a float32 dot product and of its last rounding."""
        resolution = np.finfo(np.float32)
        share = 2.0 * (self.dim + 2) * float(resolution.eps)
        norms = np.sqrt(np.einsum("qd,qd->q", queries, queries))
        margin: NDArray[np.float64] = share * self.longest * norms + self.dim * float(resolution.tiny)
        return margin.astype(np.float32)

    def checked(
        self, queries: Vectors, k: int, excluded: Excluded | None, allowed: NDArray[np.bool_] | None
    ) -> Vectors:
        """Return queries whose rows lie one after the other; RequestError where an argument does not fit."""
        if k < 0:
            raise RequestError(f"expected k of 0 or more, got {k}")
        queries = _matrix(queries, "queries")
        if queries.shape[1] != self.dim:
            raise RequestError(f"expected queries [queries, {self.dim}], got {list(queries.shape)}")
        if self.longest * _longest(queries) > float(np.finfo(np.float32).max):
            raise RequestError(
                f"expected queries that the item vectors (longest: {self.longest:g}) do not overflow"
            )
        if allowed is not None and (allowed.shape != (self.size,) or allowed.dtype != np.bool_):
            raise RequestError(
                f"expected allowed [{self.size}] bool, got {list(allowed.shape)} {allowed.dtype}"
            )
        if excluded is not None:
            _check_excluded(excluded, len(queries), self.size)
        return queries


def _matrix(values: Vectors, what: str) -> Vectors:
    if values.ndim != 2 or values.dtype != np.float32:
        raise RequestError(f"expected {what} as a float32 matrix, got {values.dtype} {list(values.shape)}")
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise RequestError(f"expected finite {what}, got {values[row].tolist()[:8]}... in row {row}")
    return np.ascontiguousarray(values)


def _longest(vectors: Vectors) -> float:
    squares = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
    return float(np.sqrt(squares.max(initial=0.0)))


def _check_excluded(excluded: Excluded, queries: int, items: int) -> None:
    indptr, rows = excluded
    if len(indptr) != queries + 1 or indptr[0] != 0 or indptr[-1] != len(rows) or (np.diff(indptr) < 0).any():
        raise RequestError(
            f"expected indptr [{queries + 1}] rising from 0 to {len(rows)}, got {indptr[:8]}..."
        )
    if len(rows) and not (rows.min() >= 0 and rows.max() < items):
        raise RequestError(f"expected excluded rows from 0 to {items - 1}, got {rows.min()} to {rows.max()}")


def _leave_out(scores: NDArray[np.float32], excluded: Excluded, start: int) -> None:
    ends = excluded.indptr[start : start + len(scores) + 1]
    lines = np.repeat(np.arange(len(scores)), np.diff(ends))
    scores[lines, excluded.rows[ends[0] : ends[-1]]] = -np.inf


def _renumbered(excluded: Excluded, rows: NDArray[np.intp], items: int) -> Excluded:
    """Express excluded rows as positions in ``rows``, dropping those that are not among them."""
    position = np.full(items, -1, dtype=np.int64)
    position[rows] = np.arange(len(rows))
    places = position[excluded.rows]
    kept = np.concatenate([[0], np.cumsum(places >= 0)])
    return Excluded(kept[excluded.indptr], places[places >= 0])
