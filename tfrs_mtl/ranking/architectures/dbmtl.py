"""Deep Bayesian multi-task learning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.layers.mlp import mlp
from tfrs_mtl.ranking.architectures.networks import network_below
from tfrs_mtl.ranking.architectures.protocol import Architecture
from tfrs_mtl.ranking.order import in_order, parents_by_when


class DependentTasks(Architecture):
    """A task sees what those that it depends on made of the row (DBMTL; Wang et al., arXiv 1902.09154).

        r_k = m_k([z_k; r_j for j in parents(k)]);  r_k = z_k without parents

    z_k: [batch, tower[-1]], of the network below; m_k: layers with ReLU; r_k: [batch, relation[-1]] for each
    task k. The tasks and their parents are any graph without circles: declared, or each task's ``when``.
    """

    def __init__(self, ranking: spec.Ranking, segments: Sequence[Segment] = ()) -> None:
        super().__init__(ranking)
        chosen = ranking.architecture
        assert isinstance(chosen, spec.Dbmtl)
        self.network = network_below(ranking, segments)
        declared = chosen.parents or parents_by_when(ranking.tasks)
        self.parents = {task.name: tuple(declared.get(task.name, ())) for task in ranking.tasks}
        self.order = in_order(self.parents)
        self.relations = {name: mlp(chosen.relation) for name, found in self.parents.items() if found}

    def build(self, shape: Any) -> None:
        """Create the weights of the network."""
        super().build(shape)
        self.network.build(shape)

    def first(self, x: Any, training: Any = None) -> Any:
        """Return what the network's ``first`` does."""
        return self.network.first(x, training=training)

    def mixing(self, z: Any) -> Any | None:
        """Return what the network's ``mixing`` does."""
        return self.network.mixing(z)

    def rest(self, z: Any, training: Any = None) -> dict[str, Any]:
        """Return task -> r_k from what ``first`` gave."""
        represented = self.network.rest(z, training=training)
        for name in self.order:
            if name in self.relations:
                seen = [represented[name], *(represented[parent] for parent in self.parents[name])]
                represented[name] = self.relations[name](tf.concat(seen, axis=-1))
        return represented
