"""Weights drawn by lot, as a control."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.layers.noise import Normal
from tfrs_mtl.ranking.balances.protocol import Balance, Seen


class RandomBalance(Balance):
    """a = K softmax(e), e standard normal, drawn anew each step (RLW; Lin et al., TMLR 2022).

    What does not beat it balances nothing.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__(weights)
        self.normal = Normal()

    def factors(self, seen: Seen) -> Any:
        """Return positive factors that sum to the number of tasks, [tasks]."""
        tasks = len(self.static)
        return tasks * tf.nn.softmax(self.normal.draw(tasks))
