"""Raw frames to the models' numbers: fitted on the training window alone, and kept in the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.encoders import (
    ENCODERS,
    CategoryEncoder,
    Encoder,
    HistoryEncoder,
    NumberEncoder,
    fit_history,
)
from tfrs_mtl.dataset.encoders.numbers import FEW, Numbers
from tfrs_mtl.dataset.examples import Arrays, ModelInput
from tfrs_mtl.dataset.frames import ITEM_ID, QUERY_ID, Frame
from tfrs_mtl.schema import DType, Feature, Schema, Side
from tfrs_mtl.spec import Last

Part = Literal["query", "item", "pair"]


@dataclass(frozen=True)
class Preprocessor:
    """All encoders of a shop, by the part of an example that they belong to."""

    query: tuple[Encoder, ...]
    item: tuple[Encoder, ...]
    pair: tuple[Encoder, ...]

    def part(self, part: Part) -> tuple[Encoder, ...]:
        """Return the encoders of one part."""
        return {"query": self.query, "item": self.item, "pair": self.pair}[part]

    def columns(self, part: Part) -> tuple[str, ...]:
        """Return the names of a part's dense columns, in their order."""
        return tuple(name for encoder in self.part(part) for name in encoder.columns)

    def inputs(self, *parts: Part, id_dim: int | None = None) -> tuple[ModelInput, ...]:
        """Return what a model of these parts is fed. ``id_dim`` sets the width of both id tables."""
        found: list[ModelInput] = []
        for part in parts:
            width = len(self.columns(part))
            found += [ModelInput(f"{part}#dense", "dense", width)] if width else []
            found += [given for encoder in self.part(part) for given in encoder.inputs]
        ids = (QUERY_ID, ITEM_ID)
        return tuple(replace(i, dim=id_dim) if id_dim and i.table in ids else i for i in found)

    def encode(self, part: Part, frame: Frame) -> Arrays:
        """Encode a frame of n rows; all dense columns lie side by side in ``<part>#dense``."""
        encoders = self.part(part)
        together = self._numbers[part].encode(frame.columns, frame.times) if len(frame) <= FEW else []
        numbers = iter(together)
        encoded = [
            next(numbers)
            if together and isinstance(encoder, NumberEncoder)
            else encoder.encode(frame.columns, frame.times)
            for encoder in encoders
        ]
        dense = [e.dense for e in encoded if e.dense is not None]
        arrays: dict[str, NDArray[np.generic]] = {name: a for e in encoded for name, a in e.sparse.items()}
        return {f"{part}#dense": np.hstack(dense), **arrays} if dense else arrays

    @cached_property
    def _numbers(self) -> dict[Part, Numbers]:
        parts: tuple[Part, ...] = ("query", "item", "pair")
        return {part: Numbers([e for e in self.part(part) if isinstance(e, NumberEncoder)]) for part in parts}

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON form."""
        return {part: [_to_dict(e) for e in self.part(part)] for part in ("query", "item", "pair")}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Preprocessor:
        """Return what ``to_dict`` wrote."""
        item = tuple(_from_dict(s, None) for s in state["item"])
        identity = next((e for e in item if isinstance(e, CategoryEncoder) and e.feature == ITEM_ID), None)
        query, pair = (tuple(_from_dict(s, identity) for s in state[part]) for part in ("query", "pair"))
        return cls(query, item, pair)


def fit_preprocessor(
    schema: Schema, queries: Frame, items: Frame, pairs: Frame, *, met_queries: pa.Array, met_items: pa.Array
) -> Preprocessor:
    """Fit every encoder on frames of the training window.

    Args:
        met_queries, met_items: the ids of the training window's interactions: only these get a row of
            their own in the id tables.
    """
    item_id = _fit_id(schema.item, ITEM_ID, met_items)
    query_id = _fit_id(schema.query, QUERY_ID, met_queries)
    histories = item_id or CategoryEncoder.fit(_id_feature(schema.item, ITEM_ID), met_items, items.times)
    looked_up = [feature for pair in schema.pairs for feature in pair.features]
    return Preprocessor(
        query=(*_present(query_id), *_fit(schema, schema.query.features, queries, histories)),
        item=(*_present(item_id), *_fit(schema, schema.item.features, items, histories)),
        pair=tuple(_fit(schema, [*looked_up, *schema.context], pairs, histories)),
    )


def _fit(schema: Schema, features: Sequence[Feature], frame: Frame, items: CategoryEncoder) -> list[Encoder]:
    fitted: list[Encoder] = []
    for feature in features:
        if feature.kind == "history":
            fitted.append(fit_history(feature, items, _declared_limit(schema, feature)))
        else:
            fitted.append(ENCODERS[feature.kind].fit(feature, frame.columns[feature.name], frame.times))
    return fitted


def _declared_limit(schema: Schema, feature: Feature) -> int | None:
    for view, declared in schema.behaviour:
        measure = declared.features.get(feature.column)
        if view.name == feature.view and isinstance(measure, Last):
            return measure.limit
    return None


def _fit_id(side: Side, name: str, met: pa.Array) -> CategoryEncoder | None:
    if side.options.kind == "ignore":
        return None
    return CategoryEncoder.fit(_id_feature(side, name), met, np.zeros(len(met), np.int64))


def _id_feature(side: Side, name: str) -> Feature:
    dtype = DType(side.key.dtype.base, False, "")
    return Feature(name, side.entity, side.key.name, dtype, "category", side.options)


def _present(encoder: CategoryEncoder | None) -> tuple[CategoryEncoder, ...]:
    return () if encoder is None else (encoder,)


_CLASSES: dict[str, Any] = {c.__name__: c for c in (*ENCODERS.values(), NumberEncoder, HistoryEncoder)}


def _to_dict(encoder: Encoder) -> dict[str, Any]:
    state = {"encoder": type(encoder).__name__, **encoder.to_dict()}
    return {**state, "items": encoder.items.to_dict()} if isinstance(encoder, HistoryEncoder) else state


def _from_dict(state: dict[str, Any], item_id: CategoryEncoder | None) -> Encoder:
    values = {key: value for key, value in state.items() if key not in ("encoder", "items")}
    if state["encoder"] == "HistoryEncoder":
        items = item_id or CategoryEncoder.from_dict(state["items"])
        return HistoryEncoder(items=items, **values)
    encoder: Encoder = _CLASSES[state["encoder"]].from_dict(values)
    return encoder
