"""What tasks learn from a batch: the mean of a loss over the rows that have something to teach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.batches import label_of, weight_of


class TaskLoss(NamedTuple):
    """The mean loss over the rows that teach a task, and whether there is any (0 or 1)."""

    loss: Any
    present: Any


def mean_loss(losses: Any, known: Any, weights: Any = None) -> TaskLoss:
    """Return the mean of losses [batch] where known [batch]; 0 where no row is.

        L = sum_i w_i l_i / sum_i w_i over the known rows

    Args:
        weights: w, [batch], 0 and above; None weighs all alike.
    """
    counted = tf.cast(known, losses.dtype) if weights is None else tf.where(known, weights, 0.0)
    count = tf.reduce_sum(counted)
    losses = tf.where(known, losses, tf.zeros_like(losses))
    mean = tf.math.divide_no_nan(tf.reduce_sum(losses if weights is None else counted * losses), count)
    return TaskLoss(mean, tf.cast(count > 0, losses.dtype))


def row_weights(task: str, batch: Mapping[str, Any]) -> Any:
    """Return what the rows weigh in a task's loss, [batch]; None where all weigh alike."""
    return batch.get(weight_of(task))


def known_labels(task: spec.Task, batch: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the labels [batch], 0 where they teach nothing, and where they teach something [batch].

    A label that is NaN, or whose ``when`` did not come true, teaches nothing.
    """
    label = batch[label_of(task.name)]
    known = tf.math.is_finite(label)
    if task.when is not None:
        known = tf.logical_and(known, tf.equal(batch[label_of(task.when)], 1.0))
    return tf.where(known, label, tf.zeros_like(label)), known


def conditional_loss(task: spec.Task, head: Any, raw: Any, batch: Mapping[str, Any]) -> TaskLoss:
    """Return the mean of a head's losses over the rows with a label whose ``when`` came true.

    Args:
        raw: what the head made of the task's representation.
        batch: holds the labels under ``label#<task>``, and maybe weights under ``weight#<task>``.
    """
    label, known = known_labels(task, batch)
    return mean_loss(head.loss(raw, label), known, row_weights(task.name, batch))


def conditional_losses(
    tasks: Iterable[spec.Task], heads: Mapping[str, Any], raw: Mapping[str, Any], batch: Mapping[str, Any]
) -> dict[str, TaskLoss]:
    """Return every task's ``conditional_loss``."""
    return {task.name: conditional_loss(task, heads[task.name], raw[task.name], batch) for task in tasks}
