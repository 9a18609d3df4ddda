"""A compiled function over any number of rows, block by block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import ModelInput
from tfrs_mtl.layers.features import select
from tfrs_mtl.layers.packed import Compiled, Layout, layout_of, pack, signature, unpack


class Blockwise:
    """Calls ``function(features)`` on numpy arrays in blocks, compiled once for any number of rows.

    Args:
        function: dict of tensors [rows, ...] -> a tensor [rows, ...] or a dict of them.
        inputs: what the function reads.
    """

    def __init__(self, function: Callable[[Mapping[str, Any]], Any], inputs: Sequence[ModelInput]) -> None:
        self._function = function
        self._inputs = tuple(inputs)
        self._compiled = Compiled(self._compile)

    def __call__(self, features: Mapping[str, Any], *, rows: int) -> Any:
        """Return numpy arrays [n, ...] of the function's form, at most ``rows`` rows a call; n may be 0."""
        chosen = {name: np.asarray(array) for name, array in select(features, self._inputs).items()}
        layout = layout_of(chosen)
        compiled = self._compiled.of(layout)
        total = len(next(iter(chosen.values())))
        blocks = [
            compiled(pack(chosen, layout, start=start, size=min(rows, total - start)))
            for start in range(0, max(total, 1), rows)
        ]
        return tf.nest.map_structure(lambda *parts: np.concatenate([part.numpy() for part in parts]), *blocks)

    def _compile(self, layout: Layout) -> Any:
        function = tf.function(lambda packed: self._function(unpack(packed, layout)))
        return function.get_concrete_function(signature(layout))
