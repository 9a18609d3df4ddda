"""Numbers, booleans, timestamps and vectors: to centred floats, with a flag where there is no value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfrs_mtl.dataset.encoders.protocol import Encoded
from tfrs_mtl.dataset.encoders.ragged import floats_of, lengths_of, padded
from tfrs_mtl.dataset.examples import NULL, ModelInput
from tfrs_mtl.schema import Feature

_QUANTILES = 128
_FIT_ROWS = 500_000
_MICROSECONDS_A_DAY = 86_400_000_000
_LARGEST = 1e150


@dataclass(frozen=True)
class Scale:
    """What the training window says of a number.

    Attributes:
        quantiles: ascending distinct quantiles; empty where there was no value.
        mean, deviation: of the signed logarithm ``sign(x) log(1 + |x|)``.
    """

    quantiles: tuple[float, ...]
    mean: float
    deviation: float

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return [rank in -1..1, standardised signed logarithm in -5..5, is null] of each, [n, 3]."""
        out = np.zeros((len(values), 3), np.float32)
        held = np.isfinite(values)
        out[:, 2] = ~held
        if self.quantiles:
            known = values[held]
            out[held, 0] = self.ranks(known) if len(self.quantiles) > 1 else 0.0
            out[held, 1] = np.minimum(np.maximum((signed_log(known) - self.mean) / self.deviation, -5), 5)
        return out

    def ranks(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where finite values stand among the quantiles, -1..1, [n]."""
        return np.interp(values, *self._curve)

    @cached_property
    def _curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Quantiles and their ranks, as arrays that are made once."""
        return np.array(self.quantiles), np.linspace(-1.0, 1.0, len(self.quantiles))

    @classmethod
    def fit(cls, values: NDArray[np.float64]) -> Scale:
        """Learn the scale from the finite values of the training window, evenly thinned to 500,000."""
        held = values[np.isfinite(values)]
        if not len(held):
            return cls((), 0.0, 1.0)
        held = held[:: len(held) // _FIT_ROWS + 1]
        quantiles = np.unique(np.quantile(held, np.linspace(0, 1, _QUANTILES + 1)))
        logs = signed_log(held)
        return cls(tuple(map(float, quantiles)), float(logs.mean()), float(logs.std()) or 1.0)


@dataclass(frozen=True)
class NumberEncoder:
    """A number, a boolean (0 or 1) or a timestamp (its age in days at the row's time).

    Attributes:
        edges: inner edges of the quantile buckets; empty unless the spec asks for ``buckets``.
    """

    feature: str
    is_age: bool
    scale: Scale
    edges: tuple[float, ...] = ()
    dim: int = 0

    @classmethod
    def fit(cls, feature: Feature, column: pa.Array, times: NDArray[np.int64]) -> NumberEncoder:
        """Learn scale and bucket edges from the training window."""
        is_age = feature.kind == "timestamp"
        values = _floats(column, times, is_age)
        edges: tuple[float, ...] = ()
        if feature.options.buckets:
            inner = np.linspace(0, 1, feature.options.buckets + 1)[1:-1]
            held = values[np.isfinite(values)]
            edges = tuple(map(float, np.unique(np.quantile(held, inner)))) if len(held) else ()
        return cls(feature.name, is_age, Scale.fit(values), edges, feature.options.dim or 8)

    @property
    def columns(self) -> tuple[str, ...]:
        """Rank, logarithm and null flag."""
        return tuple(f"{self.feature}#{part}" for part in ("rank", "log", "null"))

    @property
    def inputs(self) -> tuple[ModelInput, ...]:
        """The bucket's id, where buckets are asked for: 0 null, then from the lowest bucket up."""
        if not self.edges:
            return ()
        name = f"{self.feature}#bucket"
        return (ModelInput(name, "category", len(self.edges) + 2, table=name, dim=self.dim),)

    def encode(self, columns: Mapping[str, pa.Array], times: NDArray[np.int64]) -> Encoded:
        """Encode n rows."""
        values = self.values(columns, times)
        return Encoded(self.scale.apply(values), self.buckets(values))

    def values(self, columns: Mapping[str, pa.Array], times: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the numbers, NaN for null, [n]."""
        return _floats(columns[self.feature], times, self.is_age)

    def buckets(self, values: NDArray[np.float64]) -> dict[str, NDArray[np.int32]]:
        """Return the ids of the buckets that numbers are in, where buckets are asked for."""
        if not self.edges:
            return {}
        ids = np.where(np.isfinite(values), np.searchsorted(self._edges, values, side="right") + 1, NULL)
        return {f"{self.feature}#bucket": ids.astype(np.int32)}

    @cached_property
    def _edges(self) -> NDArray[np.float64]:
        return np.array(self.edges)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> NumberEncoder:
        """Return what ``to_dict`` wrote."""
        scale = Scale(**{**state["scale"], "quantiles": tuple(state["scale"]["quantiles"])})
        return cls(state["feature"], state["is_age"], scale, tuple(state["edges"]), state["dim"])


@dataclass(frozen=True)
class VectorEncoder:
    """A list of floats of one length, each standardised; a list of another length counts as null.

    A place that holds no finite number is taken for the mean.
    """

    feature: str
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def fit(cls, feature: Feature, column: pa.Array, times: NDArray[np.int64]) -> VectorEncoder:
        """Learn the length (the commonest) and each place's mean and deviation from the training window."""
        lengths = lengths_of(column)
        commonest = int(np.bincount(lengths[lengths > 0]).argmax()) if lengths.any() else 1
        width = feature.options.length or commonest
        matrix = _matrix(column, width)[lengths == width].astype(np.float64)
        held = np.isfinite(matrix)
        count = np.maximum(held.sum(axis=0), 1)
        mean = np.where(held, matrix, 0.0).sum(axis=0) / count
        deviation = np.sqrt((np.where(held, matrix - mean, 0.0) ** 2).sum(axis=0) / count)
        deviation[deviation == 0] = 1.0
        return cls(feature.name, tuple(map(float, mean)), tuple(map(float, deviation)))

    @property
    def columns(self) -> tuple[str, ...]:
        """One a place, and the null flag."""
        return tuple(f"{self.feature}#{part}" for part in (*range(len(self.mean)), "null"))

    @property
    def inputs(self) -> tuple[ModelInput, ...]:
        """None."""
        return ()

    def encode(self, columns: Mapping[str, pa.Array], times: NDArray[np.int64]) -> Encoded:
        """Encode n rows."""
        column = columns[self.feature]
        matrix = _matrix(column, len(self.mean)).astype(np.float64)
        absent = (lengths_of(column) != len(self.mean))[:, None]
        matrix = (np.where(np.isfinite(matrix), matrix, self.mean) - self.mean) / self.deviation
        matrix = np.where(absent, 0.0, np.clip(matrix, -5, 5))
        return Encoded(np.hstack([matrix, absent]).astype(np.float32), {})

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON form."""
        return {"feature": self.feature, "mean": self.mean, "deviation": self.deviation}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> VectorEncoder:
        """Return what ``to_dict`` wrote."""
        return cls(state["feature"], tuple(state["mean"]), tuple(state["deviation"]))


def _matrix(column: pa.Array, width: int) -> NDArray[np.float32]:
    return padded(floats_of(column), lengths_of(column), width, 0.0)


def _floats(column: pa.Array, times: NDArray[np.int64], is_age: bool) -> NDArray[np.float64]:
    if is_age:
        stamps = column.cast(pa.int64())
        ages = (times - pc.fill_null(stamps, 0).to_numpy(zero_copy_only=False)) / _MICROSECONDS_A_DAY
        return np.where(pc.is_valid(stamps).to_numpy(zero_copy_only=False), ages, np.nan)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.float64())
    found = np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
    if (np.abs(found) > _LARGEST).any():  # differences of the very largest numbers would overflow
        return np.where(np.isfinite(found), np.clip(found, -_LARGEST, _LARGEST), found)
    return found


def signed_log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``sign(x) log(1 + |x|)``."""
    return np.sign(values) * np.log1p(np.abs(values))
