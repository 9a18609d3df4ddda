"""Shared and task-specific embeddings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.layers.experts import Experts
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.layers.mlp import mlp
from tfrs_mtl.ranking.architectures.protocol import Architecture


class TaskEmbeddings(Architecture):
    """Each task has embeddings and experts of its own beside the shared ones (STEM; Su et al., AAAI 2024).

        u_k = [e_k, stop_gradient(s)];  g_k = softmax(u_k W_k + b_k)
        h_k = sum_i g_ki f_i(s) + sum_j g_kj f_kj(u_k);  z_k = t_k(h_k)

    s: [batch, in], all inputs with their shared embeddings; e_k: [batch, own], the embeddings of task k
    alone; f_i: E shared experts; f_kj: the O of task k; z_k: [batch, tower[-1]]. The tasks meet in the shared
    experts only, so none spoils another's ids. In the paper a gate sees the other tasks' experts too, without
    gradient; here it does not, which saves their time; what it costs was not measured.

    All experts are computed together, the shared ones first, then task by task, and mixed in one product with
    a matrix of gates that is 0 where an expert is another task's.

    Args:
        segments: which columns of the input are shared and which belong to tasks (task by task within a
            segment); columns behind the last segment are shared.
    """

    def __init__(self, ranking: spec.Ranking, segments: Sequence[Segment] = ()) -> None:
        super().__init__(ranking)
        chosen = ranking.architecture
        assert isinstance(chosen, spec.Stem)
        tasks = len(ranking.tasks)
        self.segments = tuple(segments)
        self.shared, self.own = chosen.experts, chosen.own_experts
        experts = self.shared + tasks * self.own
        self.experts = Experts(experts, ranking.hidden, dropout=ranking.dropout)
        self.gate = tf.keras.layers.Dense(tasks * (self.shared + self.own))
        self.towers = {task.name: mlp(ranking.tower) for task in ranking.tasks}

    def build(self, shape: Any) -> None:
        """Create all weights: what meets s, then what meets every task's e_k, [tasks, own, columns]."""
        super().build(shape)
        tasks, units = len(self.towers), self.experts.units
        own = sum(segment.extra for segment in self.segments) // tasks
        shared = shape[-1] - own * tasks
        self.experts.build((None, shared))
        self.gate.build((None, shared))
        limit = math.sqrt(6 / (own + shared + units[0]))  # Glorot's, as for one kernel that meets both
        self.kernel, self.gate_kernel = (
            self.add_weight(
                name=name,
                shape=(tasks, own, columns),
                initializer=tf.keras.initializers.RandomUniform(-limit, limit),
            )
            for name, columns in (("own", self.own * units[0]), ("own_gate", self.shared + self.own))
        )
        for tower in self.towers.values():
            tower.build((None, units[-1]))

    def first(self, x: Any, training: Any = None) -> Any:
        """Return all experts' first layers before their activation, then the gates' logits, affine in x.

        The shared embeddings are without gradient in training alone: an explanation follows all that a
        prediction reads.
        """
        shared, own = self.separate(x)
        fixed = tf.stop_gradient(shared) if training else shared
        hidden = self.experts.first(fixed, start=self.shared) + self._of_own(own, self.kernel)
        logits = self.gate(fixed) + self._of_own(own, self.gate_kernel)
        return tf.concat([self.experts.first(shared, stop=self.shared), hidden, logits], axis=-1)

    def rest(self, z: Any, training: Any = None) -> dict[str, Any]:
        """Return task -> z_k from what ``first`` gave."""
        hidden, logits = tf.split(z, [self.experts.width, self.gate.units], axis=-1)
        mixed = tf.matmul(self.gates(logits), self.experts.rest(hidden, training=training))
        return {name: tower(mixed[:, k]) for k, (name, tower) in enumerate(self.towers.items())}

    def mixing(self, z: Any) -> Any:
        """Return the gates from what ``first`` gave."""
        return self.gates(z[:, self.experts.width :])

    def gates(self, logits: Any) -> Any:
        """Return each task's share of each expert, [batch, tasks, experts]: 0 of another task's own."""
        tasks = len(self.towers)
        shares = tf.nn.softmax(tf.reshape(logits, [-1, tasks, self.shared + self.own]))
        of_shared, of_own = tf.split(shares, [self.shared, self.own], axis=-1)
        of_own = of_own[:, :, tf.newaxis] * tf.eye(tasks)[:, :, tf.newaxis]
        return tf.concat([of_shared, tf.reshape(of_own, [-1, tasks, tasks * self.own])], axis=-1)

    def separate(self, x: Any) -> tuple[Any, Any]:
        """Return s [batch, in] and every task's e_k, [tasks, batch, own]."""
        tasks = len(self.towers)
        sizes = [size for s in self.segments for size in (s.width, *[s.extra // tasks] * tasks)]
        pieces = tf.split(x, [*sizes, x.shape[-1] - sum(sizes)], axis=-1)
        rest = pieces.pop()
        step = tasks + 1
        own = [tf.concat(pieces[k::step] or [x[:, :0]], axis=-1) for k in range(1, step)]
        return tf.concat([*pieces[::step], rest], axis=-1), tf.stack(own)

    def _of_own(self, own: Any, kernels: Any) -> Any:
        """[tasks, batch, own] and [tasks, own, columns] -> [batch, tasks * columns]."""
        found = tf.transpose(tf.matmul(own, kernels), [1, 0, 2])
        return tf.reshape(found, [-1, kernels.shape[0] * kernels.shape[2]])
