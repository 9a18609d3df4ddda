"""The entire space counterfactual model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.layers.mlp import mlp
from tfrs_mtl.ranking.architectures.esmm import EntireSpace
from tfrs_mtl.ranking.architectures.protocol import Architecture
from tfrs_mtl.ranking.entire_space import joint_label, log_chances
from tfrs_mtl.ranking.losses import TaskLoss, known_labels, mean_loss, row_weights
from tfrs_mtl.ranking.order import chains


class Counterfactual(Architecture):
    """ESMM, and the rows that came true weighed as if all had (ESCM2; Wang et al., SIGIR 2022).

        IPS: mean over all rows of  o l / q;  q = max(stop_gradient(P(all before)), floor)
        DR:  mean over all rows of  l~ + o (l - l~) / q,  and  o (l - l~)^2 / q  to learn r~
        L_k = that + joint * L_ESMM

    o: 1 where all of the chain before task k came true; l: [batch], the head's loss of its label; l~: its
    loss of a label r~ that a network imputes from x. The propensity q is held fast: the loss must not make
    what it weighs likelier. The paper imputes the loss itself, which leaves the gradient of the prediction
    that of IPS; that against an imputed label (Wang et al., ICML 2019) reaches the rows that did not come
    true. Imputation is for binary tasks; other tasks with ``when`` are weighed by IPS, without L_ESMM.
    """

    def __init__(self, ranking: spec.Ranking, segments: Sequence[Segment] = ()) -> None:
        super().__init__(ranking)
        chosen = ranking.architecture
        assert isinstance(chosen, spec.Escm2)
        self.settings = chosen
        self.entire = EntireSpace(ranking, segments)
        self.before = {name: c[:-1] for name, c in chains(ranking.tasks).items() if len(c) > 1}
        self.imputation = {
            name: tf.keras.Sequential([*mlp(ranking.tower).layers, tf.keras.layers.Dense(1)])
            for name in (self.entire.chains if chosen.method == "dr" else ())
        }

    def build(self, shape: Any) -> None:
        """Create the weights of the network, and of the imputation, which no prediction asks for."""
        super().build(shape)
        self.entire.build(shape)
        for network in self.imputation.values():
            network.build(shape)

    def first(self, x: Any, training: Any = None) -> Any:
        """Return what the network's ``first`` does."""
        return self.entire.first(x, training=training)

    def mixing(self, z: Any) -> Any | None:
        """Return what the network's ``mixing`` does."""
        return self.entire.mixing(z)

    def rest(self, z: Any, training: Any = None) -> dict[str, Any]:
        """Return what the network's ``rest`` does."""
        return self.entire.rest(z, training=training)

    def losses(
        self, x: Any, raw: Mapping[str, Any], batch: Mapping[str, Any], heads: Mapping[str, Any]
    ) -> dict[str, TaskLoss]:
        """Return the weighed losses, and ESMM's beside them."""
        found = self.entire.losses(x, raw, batch, heads)
        for task in self.tasks:
            if task.name in self.before:
                weighed = self._weighed(task, x, raw, batch, heads[task.name])
                joint = self.settings.joint * found[task.name].loss if task.kind == "binary" else 0.0
                found[task.name] = TaskLoss(weighed.loss + joint, weighed.present)
        return found

    def _weighed(
        self, task: spec.Task, x: Any, raw: Mapping[str, Any], batch: Mapping[str, Any], head: Any
    ) -> TaskLoss:
        label, labelled = known_labels(task, batch)
        before = joint_label(self.before[task.name], batch)
        observed = tf.logical_and(labelled, tf.equal(before, 1.0))
        known = tf.logical_or(tf.equal(before, 0.0), observed)
        chance = tf.stop_gradient(tf.exp(log_chances(self.before[task.name], raw)))
        weight = tf.cast(observed, chance.dtype) / tf.maximum(chance, self.settings.floor)
        loss = head.loss(raw[task.name], label)
        if task.name not in self.imputation:
            return mean_loss(weight * loss, known, row_weights(task.name, batch))
        guess = tf.sigmoid(tf.squeeze(self.imputation[task.name](tf.stop_gradient(x)), axis=-1))
        imputed = head.loss(raw[task.name], tf.stop_gradient(guess))
        missed = tf.stop_gradient(loss) - head.loss(tf.stop_gradient(raw[task.name]), guess)
        losses = imputed + weight * (loss - imputed) + weight * tf.square(missed)
        return mean_loss(losses, known, row_weights(task.name, batch))
