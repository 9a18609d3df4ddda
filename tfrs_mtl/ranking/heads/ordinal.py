"""The head of a rating: classes with an order, whose distances the data shall say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.heads.classes import expected, position
from tfrs_mtl.ranking.statistics import LabelStatistics

_FAR = 1e9  # the thresholds below the first class and above the last
_NEAREST = 1e-3


class OrdinalHead(tf.keras.layers.Layer):
    """Proportional odds (McCullagh 1980): P(y > v_j) = sigmoid(s - t_j) with ascending thresholds t.

        P(y = v_j) = sigmoid(s - t_{j-1}) - sigmoid(s - t_j);  t_j = t_{j-1} + 0.001 + softplus(g_j)

    s: raw [batch], linear in the representation; v: the classes; t, g: learnt, from the thresholds that give
    the training labels' shares at s = 0.

    Args:
        statistics: the distinct training labels and their shares.
    """

    def __init__(self, statistics: LabelStatistics) -> None:
        super().__init__()
        self.classes = statistics.classes
        self.linear = tf.keras.layers.Dense(1, use_bias=False)
        start = _thresholds(np.asarray(statistics.shares))
        gaps = np.log(np.expm1(np.maximum(np.diff(start) - _NEAREST, _NEAREST)))
        self.lowest = self._weight("lowest", start[:1])
        self.gaps = self._weight("gaps", gaps)

    def _weight(self, name: str, values: NDArray[np.float64]) -> Any:
        initial = tf.keras.initializers.Constant(values)
        return self.add_weight(name=name, shape=values.shape, initializer=initial)

    def call(self, x: Any) -> Any:
        """[batch, width] -> s [batch]."""
        return tf.squeeze(self.linear(x), axis=-1)

    def loss(self, raw: Any, label: Any) -> Any:
        """Return -log P(y = label) of each example [batch].

        By sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - e^(b - a)), which stays exact far out.
        """
        padded = tf.concat([[-_FAR], self.thresholds(), [_FAR]], axis=0)
        place = position(label, self.classes)
        low, high = tf.gather(padded, place), tf.gather(padded, place + 1)
        ends = tf.nn.softplus(low - raw) + tf.nn.softplus(raw - high)
        return ends - tf.math.log1p(-tf.exp(low - high))

    def thresholds(self) -> Any:
        """Return t, ascending, [classes - 1]."""
        steps = _NEAREST + tf.nn.softplus(self.gaps)
        return tf.cumsum(tf.concat([self.lowest, steps], axis=0))

    def probabilities(self, raw: Any) -> Any:
        """Return the probability of each class [batch, classes]."""
        above = tf.sigmoid(raw[:, tf.newaxis] - self.thresholds())
        ends = tf.ones_like(raw)[:, tf.newaxis]
        return tf.concat([ends, above], axis=1) - tf.concat([above, tf.zeros_like(ends)], axis=1)

    def predict(self, raw: Any) -> Any:
        """Return the expected rating [batch]."""
        return expected(self.probabilities(raw), self.classes)


def _thresholds(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the thresholds that give these shares at s = 0, [classes - 1]."""
    above = np.clip(1 - np.cumsum(shares)[:-1], 1e-4, 1 - 1e-4)
    return np.asarray(np.log1p(-above) - np.log(above))
