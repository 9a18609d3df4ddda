"""The other tasks' gradients brought near to the first one's in size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.balances.protocol import Balance, Seen

_MEMORY = 0.9
_NEARNESS = 0.7


class MetaBalance(Balance):
    """a_k = 0.7 m_1 / m_k + 0.3, a_1 = 1 (MetaBalance; He et al., WWW 2022, both ways).

    m_k: the moving average (0.9) of the norm of task k's gradient in the shared representation. The first
    task is the one that counts; the others are there to help it.
    """

    reads_gradients = True

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__(weights)
        self.norms = self.number("norms", [0.0] * len(self.static))

    def factors(self, seen: Seen) -> Any:
        """Return positive factors, 1 for the first task, [tasks]."""
        norms = tf.sqrt(tf.maximum(tf.linalg.diag_part(seen.gram), 0.0))
        moved = _MEMORY * self.norms + (1 - _MEMORY) * norms
        moved = tf.where(self.norms > 0, moved, norms)  # the first one seen counts whole
        self.norms.assign(tf.where(seen.present > 0, moved, self.norms))
        ratio = tf.where(self.norms > 0, tf.math.divide_no_nan(self.norms[0], self.norms), 1.0)
        return _NEARNESS * ratio + (1 - _NEARNESS)
