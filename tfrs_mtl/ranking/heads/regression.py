"""The heads of an amount whose errors count alike wherever it lies: squared, or linear beyond a bound."""

from __future__ import annotations

from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.heads.fixed import fixed
from tfrs_mtl.ranking.statistics import LabelStatistics

_BOUND = 1.345  # 95 % as efficient as the square where errors are normal (Huber 1981)


class RegressionHead(tf.keras.layers.Layer):
    """Linear regression on the representation, of the standardised label; it learns the mean.

    The statistics are weights, so they travel with the saved model.

    Args:
        statistics: mean and std of the training labels.
    """

    def __init__(self, statistics: LabelStatistics) -> None:
        super().__init__()
        self.statistics = statistics
        self.linear = tf.keras.layers.Dense(1)

    def build(self, _: Any) -> None:
        """Create the statistics."""
        self.mean = fixed(self, "mean", self.statistics.mean)
        self.std = fixed(self, "std", self.statistics.std)

    def call(self, x: Any) -> Any:
        """[batch, width] -> standardised prediction [batch]."""
        return tf.squeeze(self.linear(x), axis=-1)

    def loss(self, raw: Any, label: Any) -> Any:
        """Return the squared error of each example [batch], in units of the label's variance."""
        return tf.square(raw - (label - self.mean) / self.std)

    def predict(self, raw: Any) -> Any:
        """Return the prediction [batch] in the label's units."""
        return raw * self.std + self.mean


class HuberHead(RegressionHead):
    """Regression that outliers pull at with bounded force (Huber 1964); of a skewed label it gives less than
    the mean, as it sees fewer of its high values.
    """

    def loss(self, raw: Any, label: Any) -> Any:
        """Return e^2 up to |e| = 1.345 standard deviations and its tangent beyond, [batch]."""
        error = tf.abs(raw - (label - self.mean) / self.std)
        inside = tf.minimum(error, _BOUND)
        return inside * (2 * error - inside)
