"""Heads: from a task's representation to its prediction, and the loss between that and a label.

To add one: a layer built from ``LabelStatistics``, with ``call(x) -> raw [batch, ...]``, ``loss(raw, label)
-> [batch]``, which is finite for a label of 0, and ``predict(raw) -> [batch]``, in the label's units; its
line in ``HEADS``, and its name in ``spec/tasks.py``. One that tells classes apart has ``classes``, ascending
numbers, and ``probabilities(raw) -> [batch, classes]`` too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tfrs_mtl.ranking.heads.binary import BinaryHead
from tfrs_mtl.ranking.heads.lognormal import LognormalHead, ZeroInflatedHead
from tfrs_mtl.ranking.heads.multiclass import MulticlassHead
from tfrs_mtl.ranking.heads.ordinal import OrdinalHead
from tfrs_mtl.ranking.heads.poisson import PoissonHead
from tfrs_mtl.ranking.heads.regression import HuberHead, RegressionHead
from tfrs_mtl.ranking.statistics import LabelStatistics
from tfrs_mtl.spec import class_key

__all__ = ["HEADS", "predictions"]

HEADS: dict[str, Callable[[LabelStatistics], Any]] = {
    "binary": BinaryHead,
    "huber": HuberHead,
    "lognormal": LognormalHead,
    "multiclass": MulticlassHead,
    "ordinal": OrdinalHead,
    "poisson": PoissonHead,
    "squared": RegressionHead,
    "zero_inflated_lognormal": ZeroInflatedHead,
}
"""``Task.head`` -> head: a regression's loss, or any other task's kind."""


def predictions(heads: Mapping[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return task -> prediction [batch] and, of heads with classes, ``class_key`` -> probability [batch]."""
    found = {name: head.predict(raw[name]) for name, head in heads.items()}
    for name, head in heads.items():
        if hasattr(head, "probabilities"):
            probabilities = head.probabilities(raw[name])
            found |= {class_key(name, c): probabilities[:, k] for k, c in enumerate(head.classes)}
    return found
