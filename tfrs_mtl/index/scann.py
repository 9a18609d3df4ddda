"""Approximate search by ScaNN: few partitions, quantised scores, and the best scored again exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from tfrs_mtl.errors import BundleError, UserError
from tfrs_mtl.index.exact import ExactIndex
from tfrs_mtl.index.limits import kept
from tfrs_mtl.index.protocol import Excluded, Found, Vectors
from tfrs_mtl.index.quiet import without_chatter
from tfrs_mtl.index.recall import recall_at

_LEAST = 4096  # fewer items are searched exactly in less time
_ENOUGH_RECALL = 0.99
_PROBES = 256
_FEWEST_LEAVES = 16  # partitions of few items are drawn otherwise each time, and fewer of them miss too much
_NEIGHBOURS = 500  # about as many as are ranked afterwards
_SPARE = 3  # so many quantised scores are looked at for each item that is asked for
_BLOCK = 64  # queries at a time: each brings its candidates' vectors
_MOST_LEFT_OUT = 0.5  # where filters leave less than this share, exact search gathers them faster


@dataclass(frozen=True)
class ScannIndex:
    """Anisotropic vector quantisation over a partitioned catalogue (ScaNN; Guo et al., ICML 2020).

    How many partitions are searched is chosen when it is built: as few as find 99 % of the nearest 500 items
    of vectors between an item and nowhere, since queries lie farther from items than items from each other.
    What is found is scored like ``ExactIndex`` does, so scores and their order are exact; only an item may be
    missed. A query that filters leave short of ``k``, and any small catalogue, is searched exactly.

    Attributes:
        exact: the same items, for what ScaNN cannot do.
        searcher: ScaNN's own; None for a small catalogue.
        leaves: partitions that a search looks into.
    """

    exact: ExactIndex
    searcher: Any | None
    leaves: int

    @classmethod
    def build(cls, vectors: Vectors) -> Self:
        """Build from ``[items, dim]`` vectors; UserError where the extra ``ann`` is not installed."""
        scann = _scann()
        exact = ExactIndex.build(vectors)
        if exact.size < _LEAST:
            return cls(exact, None, 0)
        partitions = round(math.sqrt(exact.size))
        sampled = min(exact.size, 250_000)
        builder = (
            scann.builder(exact.vectors, _NEIGHBOURS, "dot_product")
            .tree(partitions, num_leaves_to_search=partitions, training_sample_size=sampled)
            .score_ah(2, anisotropic_quantization_threshold=0.2)
            .reorder(_SPARE * _NEIGHBOURS)
        )
        with without_chatter():
            searcher = builder.build()
        probes, wanted = _probes(exact.vectors), min(_NEIGHBOURS, exact.size // (2 * _SPARE))
        leaves = min(partitions, max(_FEWEST_LEAVES, partitions // 32))
        while leaves < partitions:
            if recall_at(cls(exact, searcher, leaves), exact, probes, wanted) >= _ENOUGH_RECALL:
                break
            leaves = min(partitions, leaves * 2)
        return cls(exact, searcher, leaves)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load what ``save`` wrote.

        Raises:
            BundleError: a file is missing or damaged.
        """
        exact = ExactIndex.load(directory)
        file = directory / "scann" / "leaves"
        if exact.size < _LEAST:
            return cls(exact, None, 0)
        try:
            return cls(exact, _load(file.parent), int(file.read_text()))
        except (OSError, ValueError, RuntimeError) as error:
            raise BundleError(f"{file.parent}: expected an index that ScaNN can read: {error}") from error

    def save(self, directory: Path) -> None:
        """Write the exact vectors, and ScaNN's files to ``scann/`` beside them."""
        self.exact.save(directory)
        if self.searcher is not None:
            (directory / "scann").mkdir(exist_ok=True)
            self.searcher.serialize(str(directory / "scann"), relative_path=True)
            (directory / "scann" / "leaves").write_text(f"{self.leaves}\n")

    @property
    def vectors(self) -> Vectors:
        """The item vectors, ``[items, dim]``."""
        return self.exact.vectors

    @property
    def size(self) -> int:
        """How many items there are."""
        return self.exact.size

    @property
    def dim(self) -> int:
        """Length of one vector."""
        return self.exact.dim

    def search(
        self,
        queries: Vectors,
        k: int,
        *,
        excluded: Excluded | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Found:
        """Return about the best ``k`` items of each query; see ``Index.search``."""
        queries = self.exact.checked(queries, k, excluded, allowed)
        share = 1.0 if allowed is None else np.count_nonzero(allowed) / max(self.size, 1)
        spare = 0 if excluded is None else int(np.diff(excluded.indptr).max(initial=0))
        wanted = math.ceil(k / max(share, _MOST_LEFT_OUT)) + spare
        if self.searcher is None or share < _MOST_LEFT_OUT or wanted * _SPARE > self.size or not k:
            return self.exact.search(queries, k, excluded=excluded, allowed=allowed)
        found = Found(np.empty((len(queries), k), np.int32), np.empty((len(queries), k), np.float32))
        for start in range(0, len(queries), _BLOCK):
            block = slice(start, start + _BLOCK)
            found.rows[block], found.scores[block] = self._search(
                queries[block], k, wanted, None if excluded is None else excluded.part(block), allowed
            )
        return found

    def _search(
        self,
        queries: Vectors,
        k: int,
        wanted: int,
        excluded: Excluded | None,
        allowed: NDArray[np.bool_] | None,
    ) -> Found:
        assert self.searcher is not None
        named, near = self.searcher.search_batched(
            queries,
            final_num_neighbors=wanted,
            pre_reorder_num_neighbors=wanted * _SPARE,
            leaves_to_search=self.leaves,
        )
        rows = np.where(np.isfinite(near), named.astype(np.int64), -1)  # NaN pads
        rows = kept(rows, self.size, allowed=allowed, excluded=excluded)
        exact = np.einsum("qnd,qd->qn", self.exact.vectors[rows], queries.astype(np.float64))
        scores = np.where(rows >= 0, exact.astype(np.float32), np.float32(-np.inf))
        best = np.lexsort((rows, -scores), axis=1)[:, :k]
        found = Found(np.take_along_axis(rows, best, 1), np.take_along_axis(scores, best, 1))
        for place in np.flatnonzero((found.rows < 0).any(axis=1)):
            one = slice(place, place + 1)
            own = None if excluded is None else excluded.part(one)
            found.rows[one], found.scores[one] = self.exact.search(
                queries[one], k, excluded=own, allowed=allowed
            )
        return found


def _probes(vectors: Vectors) -> Vectors:
    """Return vectors [probes, dim] as far from a sampled item as from a random direction."""
    random = np.random.default_rng(0)
    chosen = vectors[random.permutation(len(vectors))[:_PROBES]]
    away = random.standard_normal(chosen.shape, dtype=np.float32)
    length = np.linalg.norm(chosen, axis=1, keepdims=True)
    scaled = away * (length / np.linalg.norm(away, axis=1, keepdims=True))
    return np.asarray(chosen + scaled, np.float32)


def _load(directory: Path) -> Any:
    """Do what ScaNN's ``load_searcher`` does, but from wherever the files are now, and without a pickle."""
    scann = _scann()
    assets = (directory / "scann_assets.pbtxt").read_text()
    return scann.ScannSearcher(scann.scann_pybind.ScannNumpy(str(directory), assets))


def _scann() -> Any:
    from tfrs_mtl import _tf  # noqa: F401  ScaNN imports TensorFlow, which must be told of Keras 2 before

    try:
        from scann.scann_ops.py import scann_ops_pybind
    except ImportError as error:
        raise UserError(
            f"retrieval.index: scann needs the extra `ann`: pip install 'tfrs-mtl[ann]' ({error})"
        ) from error
    return scann_ops_pybind
