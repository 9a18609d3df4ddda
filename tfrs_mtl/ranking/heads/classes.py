"""Labels as places among the classes, and probabilities of classes as one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfrs_mtl._tf import tf


def position(label: Any, classes: Sequence[float]) -> Any:
    """Return the place of the nearest class, int32 [batch]; classes are ascending."""
    between = (np.asarray(classes[:-1], np.float32) + np.asarray(classes[1:], np.float32)) / 2
    return tf.reduce_sum(tf.cast(label[:, tf.newaxis] > between, tf.int32), axis=1)


def expected(probabilities: Any, classes: Sequence[float]) -> Any:
    """Return the mean of the classes by their probabilities [batch, classes], [batch]."""
    return tf.linalg.matvec(probabilities, tf.constant(classes, probabilities.dtype))
