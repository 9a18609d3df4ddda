"""The head of a 0/1 label."""

from __future__ import annotations

from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.calibrations.calibration import KNOTS, Calibration
from tfrs_mtl.ranking.heads.fixed import fixed
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
        self.slope = fixed(self, "slope", 1.0)
        self.shift = fixed(self, "shift", 0.0)
        self.knots = fixed(self, "knots", 0.0, shape=(KNOTS,))
        self.bends = fixed(self, "bends", 0.0, shape=(KNOTS,))

    def calibrate(self, calibration: Calibration) -> None:
        """Let predictions be calibrated."""
        self.slope.assign(calibration.slope)
        self.shift.assign(calibration.shift)
        for weight, values in ((self.knots, calibration.knots), (self.bends, calibration.bends)):
            weight.assign([*values, *[0.0] * (KNOTS - len(values))])

    def call(self, x: Any) -> Any:
        """[batch, width] -> logit [batch]."""
        return tf.squeeze(self.linear(x), axis=-1)

    def loss(self, raw: Any, label: Any) -> Any:
        """Return the cross-entropy of each example [batch]; labels are 0 or 1."""
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=raw)

    def predict(self, raw: Any) -> Any:
        """Return the probability [batch]."""
        bent = tf.linalg.matvec(tf.nn.relu(raw[:, tf.newaxis] - self.knots), self.bends)
        return tf.sigmoid(raw * self.slope + self.shift + bent)
