"""Heads: from a task's representation to its prediction, and the loss between that and a label.

To add one: a layer with ``call(x) -> raw``, ``loss(raw, label) -> [batch]`` and ``predict(raw) -> [batch]``,
and its line in ``HEADS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.calibration import Calibration
from tfrs_mtl.ranking.statistics import LabelStatistics


class BinaryHead(tf.keras.layers.Layer):
    """Logistic regression on the representation: the raw output is a logit, the prediction a probability.

    What calibrates the prediction are weights, so they travel with the saved model; training leaves them.
    """

    def __init__(self, _: LabelStatistics) -> None:
        super().__init__()
        self.linear = tf.keras.layers.Dense(1)

    def build(self, _: Any) -> None:
        """Create the calibration, which does nothing yet."""
        self.slope = _fixed(self, "slope", 1.0)
        self.shift = _fixed(self, "shift", 0.0)

    def calibrate(self, calibration: Calibration) -> None:
        """Let predictions be calibrated."""
        self.slope.assign(calibration.slope)
        self.shift.assign(calibration.shift)

    def call(self, x: Any) -> Any:
        """[batch, width] -> logit [batch]."""
        return tf.squeeze(self.linear(x), axis=-1)

    def loss(self, raw: Any, label: Any) -> Any:
        """Return the cross-entropy of each example [batch]; labels are 0 or 1."""
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=raw)

    def predict(self, raw: Any) -> Any:
        """Return the probability [batch]."""
        return tf.sigmoid(raw * self.slope + self.shift)


class RegressionHead(tf.keras.layers.Layer):
    """Linear regression on the representation, of the standardised label.

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
        self.mean = _fixed(self, "mean", self.statistics.mean)
        self.std = _fixed(self, "std", self.statistics.std)

    def call(self, x: Any) -> Any:
        """[batch, width] -> standardised prediction [batch]."""
        return tf.squeeze(self.linear(x), axis=-1)

    def loss(self, raw: Any, label: Any) -> Any:
        """Return the squared error of each example [batch], in units of the label's variance."""
        return tf.square(raw - (label - self.mean) / self.std)

    def predict(self, raw: Any) -> Any:
        """Return the prediction [batch] in the label's units."""
        return raw * self.std + self.mean


def _fixed(layer: Any, name: str, value: float) -> Any:
    initial = tf.keras.initializers.Constant(value)
    return layer.add_weight(name=name, shape=(), initializer=initial, trainable=False)


HEADS: dict[str, Callable[[LabelStatistics], Any]] = {
    "binary": BinaryHead,
    "regression": RegressionHead,
}
"""A task's kind -> its head."""
