"""Architectures: from the encoded inputs to one representation a task, chosen by name.

To add one: an ``Architecture`` (``protocol.py``) that is built from ``spec.Ranking`` and the segments of its
input, with ``first`` and ``rest``; its settings as a section in ``spec/architectures.py``; and its line in
``ARCHITECTURES``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tfrs_mtl import spec
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.ranking.architectures.mmoe import MultiGateMixture
from tfrs_mtl.ranking.architectures.protocol import Architecture
from tfrs_mtl.ranking.architectures.shared_bottom import SharedBottom
from tfrs_mtl.ranking.architectures.stem import TaskEmbeddings

ARCHITECTURES: dict[str, Callable[[spec.Ranking, Sequence[Segment]], Architecture]] = {
    "mmoe": MultiGateMixture,
    "shared_bottom": SharedBottom,
    "stem": TaskEmbeddings,
}
"""Name in the spec -> architecture."""


def own_columns(ranking: spec.Ranking) -> int:
    """Return how many columns of each embedding table belong to single tasks, all tasks' together."""
    chosen = ranking.architecture
    return chosen.own_dim * len(ranking.tasks) if isinstance(chosen, spec.Stem) else 0
