"""Architectures: from the encoded inputs to one representation a task, chosen by name.

To add one: a layer built from ``spec.Ranking`` whose ``call(x, training)`` takes [batch, width] and returns a
dict task -> [batch, any width], which the task's head turns into its prediction; its settings as a section in
``spec/ranking.py``; and its line in ``ARCHITECTURES``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl.ranking.architectures.mmoe import MultiGateMixture
from tfrs_mtl.ranking.architectures.shared_bottom import SharedBottom

ARCHITECTURES: dict[str, Callable[[spec.Ranking], Any]] = {
    "mmoe": MultiGateMixture,
    "shared_bottom": SharedBottom,
}
"""Name in the spec -> architecture."""
