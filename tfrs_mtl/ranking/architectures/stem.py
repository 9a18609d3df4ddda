"""Shared and task-specific embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.errors import Problem, SpecError
from tfrs_mtl.layers.experts import Experts
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.layers.mlp import mlp
from tfrs_mtl.ranking.architectures.protocol import Architecture


class TaskEmbeddings(Architecture):
    """Each task has embeddings and experts of its own beside the shared ones (STEM; Su et al., AAAI 2024).

        u_k = [e_k, stop_gradient(s)];  g_k = softmax(u_k W_k + b_k)
        h_k = sum_i g_ki f_i(s) + sum_j g_kj f_kj(u_k);  z_k = t_k(h_k)

    s: [batch, in], all inputs with their shared embeddings; e_k: [batch, own], the embeddings of task k
    alone; f_i: E shared experts; f_kj: those of task k; z_k: [batch, tower[-1]]. The tasks meet in the shared
    experts only, so none spoils another's ids. In the paper a gate sees the other tasks' experts too, without
    gradient; here it does not, which saves their time; what it costs was not measured.

    Args:
        segments: which columns of the input are shared and which belong to tasks (task by task within a
            segment); columns behind the last segment are shared.

    Raises:
        SpecError: no ``hidden`` widths, so that all experts would be the same.
    """

    def __init__(self, ranking: spec.Ranking, segments: Sequence[Segment] = ()) -> None:
        super().__init__(ranking)
        chosen = ranking.architecture
        if not isinstance(chosen, spec.Stem) or not ranking.hidden:
            problem = "stem needs at least one width: experts without layers are all the same"
            raise SpecError(Problem("recommender.yaml: ranking.hidden", problem))
        self.segments = tuple(segments)
        names = [task.name for task in ranking.tasks]
        self.shared = Experts(chosen.experts, ranking.hidden, dropout=ranking.dropout)
        self.own = {n: Experts(chosen.own_experts, ranking.hidden, dropout=ranking.dropout) for n in names}
        self.gate = {n: tf.keras.layers.Dense(chosen.experts + chosen.own_experts) for n in names}
        self.towers = {n: mlp(ranking.tower) for n in names}

    def build(self, shape: Any) -> None:
        """Create all weights."""
        super().build(shape)
        own = sum(segment.extra for segment in self.segments) // len(self.towers)
        shared = shape[-1] - own * len(self.towers)
        self.shared.build((None, shared))
        for name, tower in self.towers.items():
            self.own[name].build((None, own + shared))
            self.gate[name].build((None, own + shared))
            tower.build((None, self.shared.units[-1]))

    def first(self, x: Any, training: Any = None) -> Any:
        """Return the first layers of all experts before their activation and the gates' logits.

        All lie side by side, the shared experts before each task's own, and are affine in x. The shared
        embeddings are without gradient in training alone: an explanation follows all that a prediction reads.
        """
        shared, own = self.separate(x)
        found = [self.shared.first(shared)]
        fixed = tf.stop_gradient(shared) if training else shared
        for name, embedded in zip(self.towers, own, strict=True):
            seen = tf.concat([embedded, fixed], axis=-1)
            found += [self.own[name].first(seen), self.gate[name](seen)]
        return tf.concat(found, axis=-1)

    def rest(self, z: Any, training: Any = None) -> dict[str, Any]:
        """Return task -> z_k from what ``first`` gave."""
        widths = [width for name in self.towers for width in (self.own[name].width, self.gate[name].units)]
        hidden, *pieces = tf.split(z, [self.shared.width, *widths], axis=-1)
        sizes = [self.shared.experts, next(iter(self.own.values())).experts]
        common = self.shared.rest(hidden, training=training)
        represented = {}
        for name, hidden, logits in zip(self.towers, pieces[::2], pieces[1::2], strict=True):
            own = self.own[name].rest(hidden, training=training)
            of_common, of_own = tf.split(tf.nn.softmax(logits)[:, tf.newaxis], sizes, axis=2)
            mixed = tf.squeeze(tf.matmul(of_common, common) + tf.matmul(of_own, own), axis=1)
            represented[name] = self.towers[name](mixed)
        return represented

    def separate(self, x: Any) -> tuple[Any, list[Any]]:
        """Return s [batch, in] and every task's e_k [batch, own], in the order of the tasks."""
        tasks = len(self.towers)
        sizes = [size for s in self.segments for size in (s.width, *[s.extra // tasks] * tasks)]
        pieces = tf.split(x, [*sizes, x.shape[-1] - sum(sizes)], axis=-1)
        rest = pieces.pop()
        step = tasks + 1
        shared = tf.concat([*pieces[::step], rest], axis=-1)
        return shared, [tf.concat(pieces[k::step] or [x[:, :0]], axis=-1) for k in range(1, step)]
