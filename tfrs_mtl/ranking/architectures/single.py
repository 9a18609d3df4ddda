"""One network a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl.layers.experts import Experts
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.layers.mlp import mlp
from tfrs_mtl.ranking.architectures.protocol import Architecture


class SeparateNetworks(Architecture):
    """A network a task, which share the embeddings alone: what sharing more is to be compared with.

        z_k = t_k(f_k(x))

    x: [batch, in]; f_k(x): [batch, hidden[-1]]; z_k: [batch, tower[-1]] for each task k.
    """

    def __init__(self, ranking: spec.Ranking, _: Sequence[Segment] = ()) -> None:
        super().__init__(ranking)
        self.networks = Experts(len(ranking.tasks), ranking.hidden, dropout=ranking.dropout)
        self.towers = {task.name: mlp(ranking.tower) for task in ranking.tasks}

    def build(self, shape: Any) -> None:
        """Create the weights of the networks."""
        super().build(shape)
        self.networks.build(shape)

    def first(self, x: Any, training: Any = None) -> Any:
        """Return the first layer of all networks before its activation, affine in x."""
        return self.networks.first(x)

    def rest(self, z: Any, training: Any = None) -> dict[str, Any]:
        """Return task -> z_k from what ``first`` gave."""
        hidden = self.networks.rest(z, training=training)
        return {name: tower(hidden[:, k]) for k, (name, tower) in enumerate(self.towers.items())}
