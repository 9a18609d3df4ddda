"""Adaptive information transfer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.ranking.architectures.networks import network_below
from tfrs_mtl.ranking.architectures.protocol import Architecture
from tfrs_mtl.ranking.entire_space import joint_losses, logit_of
from tfrs_mtl.ranking.losses import TaskLoss, mean_loss, row_weights
from tfrs_mtl.ranking.order import chains, in_order, parents_by_when


class AttentiveTransfer(Architecture):
    """Tasks in order; each attends to what the one before it learnt (AITM; Xi et al., KDD 2021).

        z_t = sum_u w_u h3(u) over u in {g(z_(t-1)), q_t};  w = softmax(h1(u) h2(u) / sqrt(d));  z_1 = q_1
        L_t = mean over all rows of  CE(all up to t came true, y_t) + calibrator max(y_t - y_(t-1), 0)

    q_t: [batch, d], of the network below; g: a layer with ReLU; h1, h2, h3: [d, d]; z_t: [batch, d]. The
    order is that of the ``when``; y_t, [batch], is the chance that a task and all before it come true. The
    answer is that given its ``when``: y_t / y_(t-1), at most 1. Tasks that are not binary are transferred to
    as well, and learnt under their condition.
    """

    def __init__(self, ranking: spec.Ranking, segments: Sequence[Segment] = ()) -> None:
        super().__init__(ranking)
        chosen = ranking.architecture
        assert isinstance(chosen, spec.Aitm)
        self.calibrator = chosen.calibrator
        self.network = network_below(ranking, segments)
        found = {name: chain for name, chain in chains(ranking.tasks).items() if len(chain) > 1}
        binary = {task.name for task in ranking.tasks if task.kind == "binary"}
        self.chains = {name: chain for name, chain in found.items() if name in binary}
        self.order = tuple(name for name in in_order(parents_by_when(ranking.tasks)) if name in found)
        self.before = {name: chain[-2] for name, chain in found.items()}
        self.transfers = {name: _Transfer() for name in found}

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
        """Return task -> z_t from what ``first`` gave."""
        represented = self.network.rest(z, training=training)
        for name in self.order:
            transferred = represented[self.before[name]]
            represented[name] = self.transfers[name](represented[name], transferred)
        return represented

    def given(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return the logits of y_t / y_(t-1) where a task is binary and has a ``when``."""
        certain = {name: tf.math.log_sigmoid(raw[name]) for chain in self.chains.values() for name in chain}
        ratios = {name: logit_of(certain[name] - certain[self.before[name]]) for name in self.chains}
        return {**raw, **ratios}

    def losses(
        self, x: Any, raw: Mapping[str, Any], batch: Mapping[str, Any], heads: Mapping[str, Any]
    ) -> dict[str, TaskLoss]:
        """Return the losses over all rows in place of those under a condition."""
        found = super().losses(x, raw, batch, heads)
        for name, chain in self.chains.items():
            loss, known = joint_losses(raw[name], chain, batch)
            excess = tf.nn.relu(tf.sigmoid(raw[name]) - tf.sigmoid(raw[self.before[name]]))
            found[name] = mean_loss(loss + self.calibrator * excess, known, row_weights(name, batch))
        return found


class _Transfer(tf.keras.layers.Layer):
    """What a task takes over of the one before it: two [batch, d] -> [batch, d]."""

    def build(self, shape: Any) -> None:
        """Create g, and h1, h2, h3 side by side."""
        super().build(shape)
        self.passed = tf.keras.layers.Dense(shape[-1], activation="relu")
        self.seen = tf.keras.layers.Dense(3 * shape[-1], use_bias=False)

    def call(self, own: Any, before: Any) -> Any:
        """Return z_t of q_t and z_(t-1)."""
        both = tf.stack([self.passed(before), own], axis=1)
        first, second, values = tf.split(self.seen(both), 3, axis=-1)
        scores = tf.reduce_sum(first * second, axis=-1) / own.shape[-1] ** 0.5
        return tf.reduce_sum(tf.nn.softmax(scores)[..., tf.newaxis] * values, axis=1)
