"""The ``inputs`` section: how a feature enters the models, where its type alone does not say."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tfrs_mtl.spec._base import Contradiction, Name, Section, refuse

Kind = Literal[
    "category", "number", "boolean", "timestamp", "categories", "text", "history", "vector", "ignore"
]


class Input(Section):
    """Overrides for one feature; every key has a default that follows from the feature's type.

    Default kinds by Feast type: String -> category; Int and Float -> number; Bool -> boolean;
    UnixTimestamp -> timestamp (its age at the row's time); Array(String) and Array(Int) -> categories
    (a `last` behaviour feature -> history); Array(Float) -> vector.
    """

    kind: Kind | None = Field(None, description="What the values mean; default: what their type suggests.")
    dim: int | None = Field(None, ge=1, le=1024, description="Embedding width; default from the cardinality.")
    vocabulary: int | None = Field(
        None, ge=1, description="Keep at most this many values by frequency; the rest share the unknown id."
    )
    hash_bins: int | None = Field(
        None, ge=2, description="Hash values into this many bins instead of a vocabulary."
    )
    buckets: int | None = Field(None, ge=2, le=1024, description="Numbers: embed quantile buckets as well.")
    length: int | None = Field(None, ge=1, le=1000, description="Lists and text: keep the first so many.")
    ages: Name | None = Field(None, description="History: the feature that holds the ages in days.")

    @model_validator(mode="after")
    def _one_encoding(self) -> Input:
        if self.vocabulary is not None and self.hash_bins is not None:
            what = "excludes `vocabulary`: a feature is looked up or hashed"
            refuse([Contradiction(("hash_bins",), self.hash_bins, what)])
        return self
