"""Categories, lists of categories, text and histories: values to ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfrs_mtl.dataset.encoders.protocol import Encoded
from tfrs_mtl.dataset.encoders.ragged import floats_of, lengths_of, padded
from tfrs_mtl.dataset.encoders.vocabulary import Vocabulary, fit_vocabulary
from tfrs_mtl.dataset.examples import ModelInput, ages_of
from tfrs_mtl.schema import Feature

_TEXT_LENGTH = 16
_LIST_LENGTH = 20
_HISTORY_LENGTH = 50


def embedding_dim(size: int) -> int:
    """Return the default width of an embedding table with so many ids."""
    return next((dim for limit, dim in ((12, 4), (100, 8), (10_000, 16)) if size <= limit), 32)


@dataclass(frozen=True)
class CategoryEncoder:
    """One value a row. Also the ids of query and item, whose table histories share."""

    feature: str
    vocabulary: Vocabulary
    dim: int

    @classmethod
    def fit(cls, feature: Feature, column: pa.Array, times: NDArray[np.int64]) -> CategoryEncoder:
        """Learn the vocabulary of the training window."""
        options = feature.options
        vocabulary = fit_vocabulary(column, limit=options.vocabulary, bins=options.hash_bins)
        return cls(feature.name, vocabulary, options.dim or embedding_dim(vocabulary.size))

    @property
    def columns(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def inputs(self) -> tuple[ModelInput, ...]:
        """The value's id."""
        return (ModelInput(self.feature, "category", self.vocabulary.size, table=self.feature, dim=self.dim),)

    def encode(self, columns: Mapping[str, pa.Array], times: NDArray[np.int64]) -> Encoded:
        """Encode n rows."""
        return Encoded(None, {self.feature: self.vocabulary.encode(columns[self.feature])})

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON form."""
        return {"feature": self.feature, "vocabulary": self.vocabulary.to_dict(), "dim": self.dim}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> CategoryEncoder:
        """Return what ``to_dict`` wrote."""
        return cls(state["feature"], Vocabulary.from_dict(state["vocabulary"]), state["dim"])


@dataclass(frozen=True)
class BagEncoder:
    """A list of values, or the words of a text, in any number: the first ``length`` are kept."""

    feature: str
    is_text: bool
    vocabulary: Vocabulary
    length: int
    dim: int

    @classmethod
    def fit(cls, feature: Feature, column: pa.Array, times: NDArray[np.int64]) -> BagEncoder:
        """Learn the vocabulary of the training window."""
        is_text, options = feature.kind == "text", feature.options
        flat = (words(column) if is_text else column).flatten()
        vocabulary = fit_vocabulary(flat, limit=options.vocabulary, bins=options.hash_bins)
        length = options.length or (_TEXT_LENGTH if is_text else _LIST_LENGTH)
        return cls(feature.name, is_text, vocabulary, length, options.dim or embedding_dim(vocabulary.size))

    @property
    def columns(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def inputs(self) -> tuple[ModelInput, ...]:
        """The values' ids, padded."""
        return (ModelInput(self.feature, "bag", self.vocabulary.size, table=self.feature, dim=self.dim),)

    def encode(self, columns: Mapping[str, pa.Array], times: NDArray[np.int64]) -> Encoded:
        """Encode n rows."""
        column = words(columns[self.feature]) if self.is_text else columns[self.feature]
        ids = self.vocabulary.encode(column.flatten())
        return Encoded(None, {self.feature: padded(ids, lengths_of(column), self.length, 0)})

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON form."""
        state = {"feature": self.feature, "is_text": self.is_text, "length": self.length, "dim": self.dim}
        return {**state, "vocabulary": self.vocabulary.to_dict()}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> BagEncoder:
        """Return what ``to_dict`` wrote."""
        return cls(**{**state, "vocabulary": Vocabulary.from_dict(state["vocabulary"])})


@dataclass(frozen=True)
class HistoryEncoder:
    """The query's last items, most recent first, by the ids of the item's own table, with their ages."""

    feature: str
    ages: str | None
    items: CategoryEncoder
    length: int

    @property
    def columns(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def inputs(self) -> tuple[ModelInput, ...]:
        """The items' ids, padded."""
        size, table, dim = self.items.vocabulary.size, self.items.feature, self.items.dim
        return (ModelInput(self.feature, "history", size, table=table, dim=dim),)

    def encode(self, columns: Mapping[str, pa.Array], times: NDArray[np.int64]) -> Encoded:
        """Encode n rows; without ages, or where there are fewer of them than items, the ages are 0."""
        column = columns[self.feature]
        lengths = lengths_of(column)
        ids = padded(self.items.vocabulary.encode(column.flatten()), lengths, self.length, 0)
        ages = np.zeros(ids.shape, np.float32)
        if self.ages is not None:
            held = columns[self.ages]
            flat = np.nan_to_num(floats_of(held), posinf=0.0, neginf=0.0)
            ages = padded(flat, lengths_of(held), self.length, 0.0)
        return Encoded(None, {self.feature: ids, ages_of(self.feature): ages})

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON form; the item's vocabulary is written with the item's id."""
        return {"feature": self.feature, "ages": self.ages, "length": self.length}


def fit_history(feature: Feature, items: CategoryEncoder, limit: int | None) -> HistoryEncoder:
    """Return a history's encoder; ``limit`` is the length its declaration gives, if it has one."""
    length = feature.options.length or limit or _HISTORY_LENGTH
    return HistoryEncoder(feature.name, feature.ages, items, length)


def words(column: pa.Array) -> pa.ListArray:
    """Split text into lower-case runs of letters (with their marks) and digits; null gives an empty list."""
    lowered = pc.utf8_lower(pc.fill_null(column, ""))
    spaced = pc.utf8_trim(pc.replace_substring_regex(lowered, r"[^\p{L}\p{M}\p{N}]+", " "), " ")
    lists = pc.split_pattern(spaced, " ")
    return pc.if_else(pc.equal(spaced, ""), pa.scalar([], lists.type), lists)
