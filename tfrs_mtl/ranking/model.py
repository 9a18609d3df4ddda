"""One model for all tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl import spec
from tfrs_mtl._tf import tf, tfrs
from tfrs_mtl.dataset.examples import ModelInput
from tfrs_mtl.layers.blockwise import Blockwise
from tfrs_mtl.layers.features import select
from tfrs_mtl.layers.inputs import InputEncoder
from tfrs_mtl.layers.match import Match, pairs
from tfrs_mtl.layers.tables import Tables
from tfrs_mtl.ranking.architectures import ARCHITECTURES
from tfrs_mtl.ranking.architectures.networks import own_columns
from tfrs_mtl.ranking.balances import BALANCES
from tfrs_mtl.ranking.conflict import gram_matrix, shared_columns
from tfrs_mtl.ranking.heads import HEADS, predictions
from tfrs_mtl.ranking.losses import TaskLoss
from tfrs_mtl.ranking.slates import with_order
from tfrs_mtl.ranking.statistics import LabelStatistics


class RankingModel(tfrs.Model):
    """Predicts every task of a (query, item, time): inputs -> shared encoder -> architecture -> heads.

    Where an input is a history of items and another an id of the same table, their match is an input too.

    Args:
        inputs: what a row is described by: query, item and context.
        ranking: tasks, architecture, sizes, balance. With one task it is a single-task model.
        statistics: task -> statistics of its training labels, where it is not binary. A model that loads
            weights needs them for the classes of tasks that have such; all else is among the weights.
    """

    def __init__(
        self,
        inputs: Sequence[ModelInput],
        ranking: spec.Ranking,
        *,
        statistics: Mapping[str, LabelStatistics] | None = None,
    ) -> None:
        super().__init__()
        self.model_inputs = tuple(inputs)
        self.ranking = ranking
        extra = own_columns(ranking)
        self.tables = Tables(inputs, extra=extra)
        self.encoder = InputEncoder(inputs, self.tables, history=ranking.history, extra=extra)
        self.match = Match(pairs(inputs)) if pairs(inputs) else None
        self.architecture = ARCHITECTURES[ranking.architecture.name](ranking, self.encoder.segments)
        self.statistics = dict(statistics or {})
        self.heads = {
            task.name: HEADS[task.head](self.statistics.get(task.name, LabelStatistics()))
            for task in ranking.tasks
        }
        self.balance = BALANCES[ranking.balance]([task.weight for task in ranking.tasks])
        self._predict = Blockwise(self, inputs)

    def call(self, features: Mapping[str, Any], training: Any = None) -> dict[str, Any]:
        """Return task -> [batch]: the probability, or the value in the label's units.

        A task with ``when`` is predicted given that the other task came true. Where a task has classes, their
        probabilities stand beside it under ``class_key``.
        """
        return self.answers(self.architecture(self.encode(features), training=training))

    def encode(self, features: Mapping[str, Any]) -> Any:
        """Return what the architecture reads of a batch, [batch, width]."""
        features = select(features, self.model_inputs)
        x = self.encoder(features)
        return x if self.match is None else tf.concat([x, self.match(features)], axis=-1)

    def answers(self, represented: Mapping[str, Any]) -> dict[str, Any]:
        """Return what ``call`` does, from task -> representation."""
        return predictions(self.heads, self.architecture.given(self._raw(represented)))

    def compute_loss(self, batch: Mapping[str, Any], training: bool = False) -> Any:
        """Return the balanced loss of a batch with labels under ``label#<task>``.

        What a task learns from it is the architecture's to say; a task without any label in the batch adds 0.
        """
        if training and self.balance.reads_gradients:
            losses, gram = self.losses_with_gram(batch)
        else:
            losses, gram = self._task_losses(self.encode(batch), batch, training), None
        return self.balance(*losses, gram, training=training)

    def losses_with_gram(self, batch: Mapping[str, Any]) -> tuple[TaskLoss, Any]:
        """Return all tasks' losses in training, and the inner products of their gradients, [tasks, tasks].

        The gradients are those in what the tasks share: the encoded inputs, but for single tasks' columns.
        """
        x = self.encode(batch)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            losses = self._task_losses(x, batch, True)
            apart = tf.unstack(losses.loss)
        return losses, gram_matrix(tape, apart, x, shared_columns(self.encoder.segments, x.shape[-1]))

    def after_step(self, batch: Mapping[str, Any]) -> None:
        """Let the balance see what a step has brought, where it wants to."""
        if self.balance.reads_losses_after:
            self.balance.learn(*self._task_losses(self.encode(batch), batch, True))

    def _task_losses(self, x: Any, batch: Mapping[str, Any], training: bool) -> TaskLoss:
        """Return the losses of all tasks, and whether they are present, [tasks] each."""
        raw = self._raw(self.architecture(x, training=training))
        losses = self.architecture.losses(x, raw, batch, self.heads)
        given = self.architecture.given(raw)
        tasks = [with_order(task, losses[task.name], given[task.name], batch) for task in self.ranking.tasks]
        return TaskLoss(tf.stack([t.loss for t in tasks]), tf.stack([t.present for t in tasks]))

    def predict(self, features: Mapping[str, Any], batch_size: int = 4096) -> dict[str, NDArray[np.float32]]:
        """Return task -> [n] for arrays of n rows, computed ``batch_size`` at a time."""
        return self._predict(features, rows=batch_size)  # type: ignore[no-any-return]

    def get_config(self) -> dict[str, Any]:
        """Return nothing: the bundle keeps what a model is made from; Keras warns without this method."""
        return {}

    def _raw(self, represented: Mapping[str, Any]) -> dict[str, Any]:
        return {name: head(represented[name]) for name, head in self.heads.items()}


def single_task(ranking: spec.Ranking, task: str) -> spec.Ranking:
    """Return the same settings for one of the tasks alone, shared-bottom: experts are for several.

    A ``when`` stays: it says on which rows the task learns, and the batch holds the label.
    """
    (kept,) = (t for t in ranking.tasks if t.name == task)
    return ranking.model_copy(update={"tasks": (kept,), "architecture": spec.SharedBottom()})
