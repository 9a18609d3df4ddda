"""What a feature's encoder is: fitted on the training window, kept as JSON, the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfrs_mtl.dataset.examples import ModelInput


@dataclass(frozen=True)
class Encoded:
    """A feature as numbers.

    Attributes:
        dense: float32 [n, width], to be laid beside the other features' dense columns.
        sparse: name -> int32 ids or float32 ages, [n] or [n, length].
    """

    dense: NDArray[np.float32] | None
    sparse: Mapping[str, NDArray[np.generic]]


class Encoder(Protocol):
    """One feature's preprocessing. Fitted by the class's ``fit``; a frozen value afterwards."""

    @property
    def feature(self) -> str:
        """Name of the feature's column in a frame."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the dense columns that this feature gives."""

    @property
    def inputs(self) -> tuple[ModelInput, ...]:
        """The sparse inputs that this feature gives."""

    def encode(self, columns: Mapping[str, pa.Array], times: NDArray[np.int64]) -> Encoded:
        """Encode n rows; ``times`` are the rows' own moments in microseconds, [n]."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
