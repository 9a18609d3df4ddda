"""The head of a label that is one of several classes."""

from __future__ import annotations

from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.heads.classes import expected, position
from tfrs_mtl.ranking.statistics import LabelStatistics


class MulticlassHead(tf.keras.layers.Layer):
    """Softmax over the classes of the training labels, raw [batch, classes].

    Args:
        statistics: the distinct training labels.
    """

    def __init__(self, statistics: LabelStatistics) -> None:
        super().__init__()
        self.classes = statistics.classes
        self.linear = tf.keras.layers.Dense(len(self.classes))

    def call(self, x: Any) -> Any:
        """[batch, width] -> a logit a class [batch, classes]."""
        return self.linear(x)

    def loss(self, raw: Any, label: Any) -> Any:
        """Return the cross-entropy of each example [batch]."""
        return tf.nn.sparse_softmax_cross_entropy_with_logits(position(label, self.classes), raw)

    def probabilities(self, raw: Any) -> Any:
        """Return the probability of each class [batch, classes]."""
        return tf.nn.softmax(raw)

    def predict(self, raw: Any) -> Any:
        """Return the expected value [batch]: the mean of the classes' numbers, by their probabilities."""
        return expected(self.probabilities(raw), self.classes)
