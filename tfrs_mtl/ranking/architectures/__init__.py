"""Architectures: from the encoded inputs to one representation a task, chosen by name.

To add one: a layer built from ``spec.Ranking`` and the segments of its input, whose ``call(x, training)``
takes [batch, width] and returns a dict task -> [batch, any width], which the task's head turns into its
prediction; its settings as a section in ``spec/architectures.py``; and its line in ``ARCHITECTURES``.

The call is ``rest(first(x), training)``, where ``first(x)``, [batch, any width], is affine in x: then what a
query and an item add to it is computed once for each of them, not once a pair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.ranking.architectures.mmoe import MultiGateMixture
from tfrs_mtl.ranking.architectures.shared_bottom import SharedBottom
from tfrs_mtl.ranking.architectures.stem import TaskEmbeddings

ARCHITECTURES: dict[str, Callable[[spec.Ranking, Sequence[Segment]], Any]] = {
    "mmoe": MultiGateMixture,
    "shared_bottom": SharedBottom,
    "stem": TaskEmbeddings,
}
"""Name in the spec -> architecture."""


def own_columns(ranking: spec.Ranking) -> int:
    """Return how many columns of each embedding table belong to single tasks, all tasks' together."""
    chosen = ranking.architecture
    return chosen.own_dim * len(ranking.tasks) if isinstance(chosen, spec.Stem) else 0
