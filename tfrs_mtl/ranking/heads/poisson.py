"""The head of a count."""

from __future__ import annotations

from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.heads.fixed import fixed
from tfrs_mtl.ranking.statistics import LabelStatistics

_LEAST = 1e-6
_HIGHEST = 20.0  # e^20 times the mean: nothing is that large, and e^88 is infinite


class PoissonHead(tf.keras.layers.Layer):
    """log rate = log mean + raw; labels are counts, or any amounts of 0 or above.

    Of amounts that are no counts it learns the mean all the same, as the deviance is least there.

    Args:
        statistics: mean of the training labels.
    """

    def __init__(self, statistics: LabelStatistics) -> None:
        super().__init__()
        self.mean = fixed(self, "mean", max(statistics.mean, _LEAST))
        self.linear = tf.keras.layers.Dense(1)

    def call(self, x: Any) -> Any:
        """[batch, width] -> log of the rate over the mean [batch]."""
        return tf.squeeze(self.linear(x), axis=-1)

    def loss(self, raw: Any, label: Any) -> Any:
        """Return half the deviance y log(y / r) - y + r [batch]; where the mean is above 1, in its units."""
        log_rate = self._log_rate(raw)
        deviance = tf.math.xlogy(label, label) - label * log_rate - label + tf.exp(log_rate)
        return deviance / tf.maximum(self.mean, 1.0)

    def predict(self, raw: Any) -> Any:
        """Return the rate [batch] in the label's units."""
        return tf.exp(self._log_rate(raw))

    def _log_rate(self, raw: Any) -> Any:
        return tf.math.log(self.mean) + tf.minimum(raw, _HIGHEST)
