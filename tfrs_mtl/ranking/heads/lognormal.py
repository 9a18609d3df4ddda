"""The heads of an amount above 0 with a long tail, and of one that is mostly 0."""

from __future__ import annotations

import math
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.heads.fixed import fixed
from tfrs_mtl.ranking.statistics import LabelStatistics

_LEAST = 1e-6  # below it a label is no amount; keeps the losses of masked rows finite
_NARROWEST = 0.05
_START = math.log(math.expm1(1 - _NARROWEST))  # the spread of a raw 0 is that of the labels


class Lognormal(tf.keras.layers.Layer):
    """log y = m + s (a + b e) with e standard normal; m, s: mean and std of the logarithms in training.

    a and b come from the representation, raw [batch, 2]; b > 0.05. The mean is at the mercy of the tail, so
    no prediction exceeds the largest label of training.

    Args:
        statistics: of the training labels above 0.
    """

    def __init__(self, statistics: LabelStatistics) -> None:
        super().__init__()
        self.statistics = statistics
        self.log_mean = fixed(self, "log_mean", statistics.log_mean)
        self.log_std = fixed(self, "log_std", statistics.log_std)
        self.log_most = fixed(self, "log_most", math.log(max(statistics.most, _LEAST)))

    def loss(self, raw: Any, label: Any) -> Any:
        """Return the negative log-likelihood [batch], less what the model has no part in; never below 0."""
        location, scale = self._parameters(raw)
        standard = (tf.math.log(tf.maximum(label, _LEAST)) - self.log_mean) / self.log_std
        return tf.square((standard - location) / scale) / 2 + tf.math.log(scale / _NARROWEST)

    def mean(self, raw: Any) -> Any:
        """Return the mean exp(mu + sigma^2 / 2), not the median, in the label's units, [batch]."""
        location, scale = self._parameters(raw)
        log = self.log_mean + self.log_std * location + tf.square(self.log_std * scale) / 2
        return tf.exp(tf.minimum(log, self.log_most))

    def _parameters(self, raw: Any) -> tuple[Any, Any]:
        return raw[:, 0], _NARROWEST + tf.nn.softplus(raw[:, 1] + _START)


class LognormalHead(tf.keras.layers.Layer):
    """A log-normal amount whose mean and spread depend on the representation; labels are above 0."""

    def __init__(self, statistics: LabelStatistics) -> None:
        super().__init__()
        self.linear = tf.keras.layers.Dense(2)
        self.amount = Lognormal(statistics)

    def call(self, x: Any) -> Any:
        """[batch, width] -> location and spread [batch, 2]."""
        return self.linear(x)

    def loss(self, raw: Any, label: Any) -> Any:
        """Return the negative log-likelihood of each example [batch], up to a constant."""
        return self.amount.loss(raw, label)

    def predict(self, raw: Any) -> Any:
        """Return the mean [batch] in the label's units."""
        return self.amount.mean(raw)


class ZeroInflatedHead(tf.keras.layers.Layer):
    """0 with a chance, else log-normal (ZILN; Wang, Liu and Miao, 2019); labels are 0 or above.

    y = 0 with probability 1 - p, else log-normal; the prediction is p exp(mu + sigma^2 / 2).
    """

    def __init__(self, statistics: LabelStatistics) -> None:
        super().__init__()
        self.linear = tf.keras.layers.Dense(3)
        self.amount = Lognormal(statistics)

    def call(self, x: Any) -> Any:
        """[batch, width] -> logit of an amount above 0, its location, its spread [batch, 3]."""
        return self.linear(x)

    def loss(self, raw: Any, label: Any) -> Any:
        """Return cross-entropy of 'above 0' and, there, the amount's negative log-likelihood [batch]."""
        above = tf.cast(label > 0, raw.dtype)
        chance = tf.nn.sigmoid_cross_entropy_with_logits(labels=above, logits=raw[:, 0])
        return chance + above * self.amount.loss(raw[:, 1:], label)

    def predict(self, raw: Any) -> Any:
        """Return the mean [batch] in the label's units."""
        return tf.sigmoid(raw[:, 0]) * self.amount.mean(raw[:, 1:])
