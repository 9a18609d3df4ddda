"""One encoder a kind of feature. A new kind is one class and one line here."""

from __future__ import annotations

from typing import Any

from tfrs_mtl.dataset.encoders.category import BagEncoder, CategoryEncoder, HistoryEncoder, fit_history
from tfrs_mtl.dataset.encoders.number import NumberEncoder, VectorEncoder
from tfrs_mtl.dataset.encoders.protocol import Encoded, Encoder

ENCODERS: dict[str, Any] = {
    "category": CategoryEncoder,
    "number": NumberEncoder,
    "boolean": NumberEncoder,
    "timestamp": NumberEncoder,
    "categories": BagEncoder,
    "text": BagEncoder,
    "vector": VectorEncoder,
}

__all__ = [
    "BagEncoder",
    "CategoryEncoder",
    "ENCODERS",
    "Encoded",
    "Encoder",
    "HistoryEncoder",
    "NumberEncoder",
    "VectorEncoder",
    "fit_history",
]
