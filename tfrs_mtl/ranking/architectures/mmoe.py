"""Multi-gate mixture of experts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.layers.experts import Experts
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.layers.mlp import mlp
from tfrs_mtl.ranking.architectures.protocol import Architecture


class MultiGateMixture(Architecture):
    """Each task mixes the same experts by a gate of its own (Ma et al., KDD 2018).

        g_k = softmax(x W_k + b_k);  h_k = sum_e g_ke f_e(x);  z_k = t_k(h_k)

    x: [batch, in]; W_k: [in, E]; f_e(x): [batch, hidden[-1]]; z_k: [batch, tower[-1]] for each task k.
    """

    def __init__(self, ranking: spec.Ranking, _: Sequence[Segment] = ()) -> None:
        super().__init__(ranking)
        chosen = ranking.architecture
        assert isinstance(chosen, spec.Mmoe)
        self.experts = Experts(chosen.experts, ranking.hidden, dropout=ranking.dropout)
        self.gate = tf.keras.layers.Dense(len(ranking.tasks) * chosen.experts)
        self.towers = {task.name: mlp(ranking.tower) for task in ranking.tasks}

    def build(self, shape: Any) -> None:
        """Create the weights of gates and experts."""
        super().build(shape)
        self.gate.build(shape)
        self.experts.build(shape)

    def first(self, x: Any, training: Any = None) -> Any:
        """Return the gates' logits, then the experts' first layer before its activation, affine in x."""
        return tf.concat([self.gate(x), self.experts.first(x)], axis=-1)

    def rest(self, z: Any, training: Any = None) -> dict[str, Any]:
        """Return task -> z_k from what ``first`` gave."""
        logits, hidden = tf.split(z, [self.gate.units, self.experts.width], axis=-1)
        mixed = tf.matmul(self.gates(logits), self.experts.rest(hidden, training=training))
        return {name: tower(mixed[:, k]) for k, (name, tower) in enumerate(self.towers.items())}

    def mixing(self, z: Any) -> Any:
        """Return the gates from what ``first`` gave."""
        return self.gates(z[:, : self.gate.units])

    def gates(self, logits: Any) -> Any:
        """Return each task's share of each expert, [batch, tasks, E]; a row sums to 1."""
        return tf.nn.softmax(tf.reshape(logits, [-1, len(self.towers), self.experts.experts]))
