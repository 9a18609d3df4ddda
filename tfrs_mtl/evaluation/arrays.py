"""The arrays that evaluation takes and gives."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.integer[Any]]
"""Whole numbers for queries or items, counted from 0; -1 stands for no item."""

Numbers: TypeAlias = NDArray[Any]
"""Labels, predictions, scores or ages: booleans, whole or floating numbers."""

Mask: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
