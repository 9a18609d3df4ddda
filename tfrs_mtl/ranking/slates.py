"""Losses of order within a slate: which of the items that a query met together came true.

They make no score a chance; beside the pointwise loss, order and calibration both hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.batches import SLATE
from tfrs_mtl.ranking.losses import TaskLoss, known_labels

_LOW = -1e9


def with_order(task: spec.Task, loss: TaskLoss, scores: Any, batch: Mapping[str, Any]) -> TaskLoss:
    """Return a task's loss and, where it asks for it, that of the order within the batch's slates.

    Args:
        scores: the task's logits, given its ``when``, [batch].
        batch: holds the labels, and the slates under ``slate``.
    """
    if not task.has_order:
        return loss
    rows = (*known_labels(task, batch), batch[SLATE])
    order = task.listwise * listwise_loss(scores, *rows) if task.listwise else 0.0
    if task.pairwise:
        order += task.pairwise * pairwise_loss(scores, *rows)
    return loss._replace(loss=loss.loss + order)


def listwise_loss(scores: Any, labels: Any, known: Any, slates: Any) -> Any:
    """Return the mean over positives of -log softmax over their slate (ListNet; Cao et al., ICML 2007).

    Args:
        scores: logits, [batch].
        labels: 0 or 1, [batch].
        known: whether the label is one, [batch]; other rows are in no slate.
        slates: the slate of each row, whole numbers, [batch].

    Returns:
        A scalar; 0 where no slate has both a positive and a negative.
    """
    of, size = tf.unique(slates).idx, tf.shape(slates)[0]
    masked = tf.where(known, scores, tf.fill(tf.shape(scores), _LOW))
    highest = tf.stop_gradient(tf.gather(tf.math.unsorted_segment_max(masked, of, size), of))
    mass = tf.where(known, tf.exp(masked - highest), tf.zeros_like(scores))
    whole = tf.gather(tf.math.unsorted_segment_sum(mass, of, size), of)
    counts = [_times(known, tf.equal(labels, value)) for value in (0.0, 1.0)]
    has_negative = tf.gather(tf.math.unsorted_segment_sum(counts[0], of, size), of) > 0
    counted = counts[1] * tf.cast(has_negative, scores.dtype)
    surprise = tf.where(known, highest - masked + tf.math.log(tf.maximum(whole, 1e-30)), 0.0)
    return tf.math.divide_no_nan(tf.reduce_sum(counted * surprise), tf.reduce_sum(counted))


def pairwise_loss(scores: Any, labels: Any, known: Any, slates: Any) -> Any:
    """Return the mean over pairs of a positive and a negative of one slate of log(1 + e^(s- - s+)).

    (RankNet; Burges et al., ICML 2005.) Arguments as in ``listwise_loss``; 0 where there is no such pair.
    """
    positive = _times(known, tf.equal(labels, 1.0))[:, tf.newaxis]
    negative = _times(known, tf.equal(labels, 0.0))[tf.newaxis]
    together = tf.cast(tf.equal(slates[:, tf.newaxis], slates), scores.dtype)
    counted = positive * negative * together
    surprise = tf.nn.softplus(scores - scores[:, tf.newaxis])
    return tf.math.divide_no_nan(tf.reduce_sum(counted * surprise), tf.reduce_sum(counted))


def _times(known: Any, is_so: Any) -> Any:
    return tf.cast(tf.logical_and(known, is_so), tf.float32)
