"""Multi-gate mixture of experts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.errors import Problem, SpecError
from tfrs_mtl.layers.experts import Experts
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.layers.mlp import mlp


class MultiGateMixture(tf.keras.layers.Layer):
    """Each task mixes the same experts by a gate of its own (Ma et al., KDD 2018).

        g_k = softmax(x W_k + b_k);  h_k = sum_e g_ke f_e(x);  z_k = t_k(h_k)

    x: [batch, in]; W_k: [in, E]; f_e(x): [batch, hidden[-1]]; z_k: [batch, tower[-1]] for each task k.

    Raises:
        SpecError: no ``hidden`` widths, so that all experts would be the same.
    """

    def __init__(self, ranking: spec.Ranking, _: Sequence[Segment] = ()) -> None:
        super().__init__()
        if not isinstance(ranking.architecture, spec.Mmoe) or not ranking.hidden:
            problem = "mmoe needs at least one width: experts without layers are all the same"
            raise SpecError(Problem("recommender.yaml: ranking.hidden", problem))
        self.experts = Experts(ranking.architecture.experts, ranking.hidden, dropout=ranking.dropout)
        self.gate = tf.keras.layers.Dense(len(ranking.tasks) * ranking.architecture.experts)
        self.towers = {task.name: mlp(ranking.tower) for task in ranking.tasks}

    def call(self, x: Any, training: Any = None) -> dict[str, Any]:
        """Return task -> z_k."""
        mixed = tf.matmul(self.gates(x), self.experts(x, training=training))
        return {name: tower(mixed[:, k]) for k, (name, tower) in enumerate(self.towers.items())}

    def gates(self, x: Any) -> Any:
        """Return each task's share of each expert, [batch, tasks, E]; a row sums to 1."""
        return tf.nn.softmax(tf.reshape(self.gate(x), [-1, len(self.towers), self.experts.experts]))
