"""Architectures: from the encoded inputs to one representation a task, chosen by name.

To add one: an ``Architecture`` (``protocol.py``) that is built from ``spec.Ranking`` and the segments of its
input, with ``first`` and ``rest``; its settings as a section in ``spec/architectures.py``; and its line in
``ARCHITECTURES``, or in ``NETWORKS`` (``networks.py``) where no task's prediction depends on another's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tfrs_mtl import spec
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.ranking.architectures.aitm import AttentiveTransfer
from tfrs_mtl.ranking.architectures.dbmtl import DependentTasks
from tfrs_mtl.ranking.architectures.escm2 import Counterfactual
from tfrs_mtl.ranking.architectures.esmm import EntireSpace
from tfrs_mtl.ranking.architectures.networks import NETWORKS
from tfrs_mtl.ranking.architectures.protocol import Architecture

ARCHITECTURES: dict[str, Callable[[spec.Ranking, Sequence[Segment]], Architecture]] = {
    **NETWORKS,
    "aitm": AttentiveTransfer,
    "dbmtl": DependentTasks,
    "escm2": Counterfactual,
    "esmm": EntireSpace,
}
"""Name in the spec -> architecture."""
