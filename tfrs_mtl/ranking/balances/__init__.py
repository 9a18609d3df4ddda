"""Balances: from the losses of all tasks to the one that is minimised.

To add one: a ``Balance`` (``protocol.py``) whose ``factors`` say how much each task's loss counts in a step;
its line in ``BALANCES``, and its name in ``spec/ranking.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tfrs_mtl.ranking.balances.cagrad import ConflictAverse
from tfrs_mtl.ranking.balances.dynamic import DynamicAverage
from tfrs_mtl.ranking.balances.famo import FastAdaptive
from tfrs_mtl.ranking.balances.gradnorm import GradNorm
from tfrs_mtl.ranking.balances.metabalance import MetaBalance
from tfrs_mtl.ranking.balances.pcgrad import ProjectedGradients
from tfrs_mtl.ranking.balances.protocol import Balance
from tfrs_mtl.ranking.balances.random import RandomBalance
from tfrs_mtl.ranking.balances.static import StaticBalance
from tfrs_mtl.ranking.balances.uncertainty import UncertaintyBalance

BALANCES: dict[str, Callable[[Sequence[float]], Balance]] = {
    "cagrad": ConflictAverse,
    "dwa": DynamicAverage,
    "famo": FastAdaptive,
    "gradnorm": GradNorm,
    "metabalance": MetaBalance,
    "pcgrad": ProjectedGradients,
    "random": RandomBalance,
    "static": StaticBalance,
    "uncertainty": UncertaintyBalance,
}
"""Name in the spec -> balance."""
