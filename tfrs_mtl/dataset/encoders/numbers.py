"""Many numbers of few rows at once: what one request costs is mostly the calls, not the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.encoders.number import NumberEncoder, signed_log
from tfrs_mtl.dataset.encoders.protocol import Encoded

FEW = 4096
"""Up to so many rows this is faster; beyond, its matrices of all columns leave the caches."""


class Numbers:
    """Number encoders that encode together; each gives what it gives alone, which a test holds.

    Args:
        encoders: m of them.
    """

    def __init__(self, encoders: Sequence[NumberEncoder]) -> None:
        self._encoders = tuple(encoders)
        scales = [encoder.scale for encoder in encoders]
        self._mean = np.array([[scale.mean] for scale in scales])
        self._deviation = np.array([[scale.deviation] for scale in scales])
        self._is_known = np.array([[bool(scale.quantiles)] for scale in scales])

    def encode(self, columns: Mapping[str, pa.Array], times: NDArray[np.int64]) -> list[Encoded]:
        """Encode n rows, in the order of the encoders."""
        if not self._encoders:
            return []
        values = np.stack([encoder.values(columns, times) for encoder in self._encoders])
        held = np.isfinite(values)
        dense = np.zeros((*values.shape, 3), np.float32)
        dense[..., 2] = ~held
        held &= self._is_known
        logs = (signed_log(np.where(held, values, 0.0)) - self._mean) / self._deviation
        dense[..., 1] = np.where(held, np.minimum(np.maximum(logs, -5), 5), 0.0)
        for encoder, own, known, out in zip(self._encoders, values, held, dense, strict=True):
            if len(encoder.scale.quantiles) > 1:
                out[known, 0] = encoder.scale.ranks(own[known])
        return [
            Encoded(own, encoder.buckets(raw))
            for encoder, own, raw in zip(self._encoders, dense, values, strict=True)
        ]
