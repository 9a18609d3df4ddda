"""Shared-bottom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.layers.mlp import hidden_layers, mlp
from tfrs_mtl.ranking.architectures.protocol import Architecture


class SharedBottom(Architecture):
    """One encoder for all tasks, and a tower a task (Caruana, Machine Learning 1997).

        h = f(x);  z_k = t_k(h)

    x: [batch, in]; h: [batch, hidden[-1]]; z_k: [batch, tower[-1]] for each task k.
    """

    def __init__(self, ranking: spec.Ranking, _: Sequence[Segment] = ()) -> None:
        super().__init__(ranking)
        self.entry, *others = hidden_layers(ranking.hidden, dropout=ranking.dropout)
        self.bottom = tf.keras.Sequential(others or [tf.keras.layers.Activation("linear")])
        self.towers = {task.name: mlp(ranking.tower) for task in ranking.tasks}

    def first(self, x: Any, training: Any = None) -> Any:
        """Return f's first layer before its activation, affine in x, [batch, hidden[0]]."""
        return self.entry(x)

    def rest(self, z: Any, training: Any = None) -> dict[str, Any]:
        """Return task -> z_k from what ``first`` gave."""
        shared = self.bottom(z, training=training)
        return {name: tower(shared) for name, tower in self.towers.items()}
