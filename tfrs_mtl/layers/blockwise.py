"""A compiled function over any number of rows, block by block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import ModelInput
from tfrs_mtl.layers.features import select, signature


class Blockwise:
    """Compiles ``function(features)`` once, for any number of rows, and calls it on numpy arrays in blocks.

    Args:
        function: dict of tensors [rows, ...] -> a tensor [rows, ...] or a dict of them.
        inputs: what the function reads.
    """

    def __init__(self, function: Callable[[Mapping[str, Any]], Any], inputs: Sequence[ModelInput]) -> None:
        self._inputs = tuple(inputs)
        self._signature = signature(inputs)
        self._compiled = tf.function(function, input_signature=[self._signature])

    def __call__(self, features: Mapping[str, Any], *, rows: int) -> Any:
        """Return numpy arrays [n, ...] of the function's form, at most ``rows`` rows a call; n may be 0."""
        chosen = select(features, self._inputs)
        total = len(next(iter(chosen.values())))
        blocks = [self._block(chosen, start, start + rows) for start in range(0, max(total, 1), rows)]
        return tf.nest.map_structure(lambda *parts: np.concatenate([part.numpy() for part in parts]), *blocks)

    def _block(self, features: Mapping[str, Any], start: int, stop: int) -> Any:
        return self._compiled(
            {
                name: tf.convert_to_tensor(features[name][start:stop], dtype=spec.dtype)
                for name, spec in self._signature.items()
            }
        )
