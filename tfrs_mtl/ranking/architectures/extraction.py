"""Customised gate control, and progressive layered extraction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.layers.experts import Experts, each_glorot
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.layers.mlp import mlp
from tfrs_mtl.ranking.architectures.protocol import Architecture

_NEVER = -1e9


class LayeredExtraction(Architecture):
    """Shared experts and experts of one task, level upon level (CGC and PLE; Tang et al., RecSys 2020).

        g_k = softmax(h_k W_k + b_k) over the shared experts and those of task k
        h'_k = sum_i g_ki f_i(h_s) + sum_j g_kj f_kj(h_k)
        h'_s = the same, its gate over the experts of all; none at the last level
        z_k = t_k(h_k)

    h_s = h_k = x [batch, in] before the first level, then [batch, hidden[-1]]; f_i: E shared experts; f_kj:
    those of task k; z_k: [batch, tower[-1]]. CGC is one level. Experts lie side by side, the shared ones
    first; so do the streams h, the shared one last.
    """

    def __init__(self, ranking: spec.Ranking, _: Sequence[Segment] = ()) -> None:
        super().__init__(ranking)
        chosen = ranking.architecture
        assert isinstance(chosen, spec.Cgc | spec.Ple)
        tasks, levels = len(ranking.tasks), chosen.levels if isinstance(chosen, spec.Ple) else 1
        own = np.repeat(np.arange(tasks), chosen.own_experts)
        self.stream_of = np.concatenate([np.full(chosen.experts, tasks), own])
        sees = (self.stream_of == tasks) | (self.stream_of == np.arange(tasks + 1)[:, np.newaxis])
        sees[tasks] = True
        self.unseen = np.where(sees, 0.0, _NEVER).astype(np.float32)
        many, self.streams = len(self.stream_of), [tasks + 1] * (levels - 1) + [tasks]
        self.experts = [Experts(many, ranking.hidden, dropout=ranking.dropout) for _ in self.streams]
        self.gate = tf.keras.layers.Dense(self.streams[0] * many)
        self.gates = [_gates(count, many) for count in self.streams[1:]]
        self.towers = {task.name: mlp(ranking.tower) for task in ranking.tasks}

    def build(self, shape: Any) -> None:
        """Create the weights of gates and experts."""
        super().build(shape)
        self.gate.build(shape)
        self.experts[0].build(shape)
        for experts in self.experts[1:]:
            experts.build((None, experts.experts, self.experts[0].units[-1]))

    def first(self, x: Any, training: Any = None) -> Any:
        """Return the first gates' logits, then the first experts' first layer, affine in x."""
        return tf.concat([self.gate(x), self.experts[0].first(x)], axis=-1)

    def rest(self, z: Any, training: Any = None) -> dict[str, Any]:
        """Return task -> z_k from what ``first`` gave."""
        logits, hidden = tf.split(z, [self.gate.units, self.experts[0].width], axis=-1)
        logits = tf.reshape(logits, [-1, self.streams[0], len(self.stream_of)])
        streams = self.mixed(logits, self.experts[0].rest(hidden, training=training))
        for count, gate, experts in zip(self.streams[1:], self.gates, self.experts[1:], strict=True):
            hidden = experts.first_apart(tf.gather(streams, self.stream_of, axis=1))
            streams = self.mixed(gate(streams[:, :count]), experts.rest(hidden, training=training))
        return {name: tower(streams[:, k]) for k, (name, tower) in enumerate(self.towers.items())}

    def mixing(self, z: Any) -> Any:
        """Return the tasks' gates of the first level from what ``first`` gave."""
        logits = tf.reshape(z[:, : self.gate.units], [-1, self.streams[0], len(self.stream_of)])
        tasks = len(self.towers)
        return tf.nn.softmax(logits[:, :tasks] + self.unseen[:tasks])

    def mixed(self, logits: Any, outputs: Any) -> Any:
        """Return the streams from gates' logits [batch, streams, experts] and experts' outputs."""
        return tf.matmul(tf.nn.softmax(logits + self.unseen[: logits.shape[1]]), outputs)


def _gates(streams: int, experts: int) -> Any:
    """Return a gate a stream: [batch, streams, width] -> logits [batch, streams, experts]."""
    return tf.keras.layers.EinsumDense(
        "bsi,sie->bse", (streams, experts), bias_axes="se", kernel_initializer=each_glorot
    )
