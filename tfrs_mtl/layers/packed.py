"""Many arrays as two: what crosses into a compiled function costs by the piece, more than a small model."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import Arrays


class Place(NamedTuple):
    """Where an array lies: among the floats or the integers, and how wide; None for an array [n]."""

    name: str
    is_float: bool
    width: int | None

    @property
    def columns(self) -> int:
        """How many columns it takes."""
        return 1 if self.width is None else self.width


Layout = tuple[Place, ...]
"""How arrays are packed; it can be the key of a dictionary."""


class Packed(NamedTuple):
    """Arrays of n rows side by side: int32 [n, columns] and float32 [n, columns]."""

    ints: Any
    floats: Any


def layout_of(arrays: Arrays) -> Layout:
    """Return how integers and floats of [n] or [n, width] are packed."""
    return tuple(
        Place(name, array.dtype.kind == "f", None if array.ndim == 1 else array.shape[1])
        for name, array in arrays.items()
    )


def pack(arrays: Arrays, layout: Layout, *, start: int, size: int) -> Packed:
    """Lay ``size`` rows of the arrays side by side, as tensors."""
    parts: tuple[list[NDArray[np.generic]], ...] = ([], [])
    for place in layout:
        array = arrays[place.name][start : start + size]
        parts[place.is_float].append(array if array.ndim == 2 else array[:, np.newaxis])
    return Packed(_beside(parts[0], np.int32, size), _beside(parts[1], np.float32, size))


def signature(layout: Layout) -> Packed:
    """Return the ``tf.TensorSpec`` of what ``pack`` gives, for any number of rows."""
    widths = [sum(place.columns for place in layout if place.is_float is kind) for kind in (False, True)]
    return Packed(tf.TensorSpec([None, widths[0]], tf.int32), tf.TensorSpec([None, widths[1]], tf.float32))


def unpack(packed: Packed, layout: Layout) -> dict[str, Any]:
    """Return the tensors by name; inside a compiled function."""
    found = {}
    for part, kind in ((packed.ints, False), (packed.floats, True)):
        places = [place for place in layout if place.is_float is kind]
        pieces = tf.split(part, [place.columns for place in places], axis=1) if places else []
        for place, piece in zip(places, pieces, strict=True):
            found[place.name] = tf.squeeze(piece, axis=1) if place.width is None else piece
    return found


class Compiled:
    """Functions by the layouts that they are compiled for; each is made once.

    Args:
        make: takes layouts, and whatever else tells functions apart, and returns the function.
    """

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make
        self._made: dict[tuple[Hashable, ...], Any] = {}
        self._making = Lock()

    def of(self, *layouts: Hashable) -> Any:
        """Return the function for these layouts."""
        if layouts not in self._made:
            with self._making:  # Keras traces a model in one thread at a time
                if layouts not in self._made:
                    self._made[layouts] = self._make(*layouts)
        return self._made[layouts]


def _beside(arrays: list[NDArray[np.generic]], dtype: type, size: int) -> Any:
    return tf.constant(np.concatenate(arrays, axis=1, dtype=dtype) if arrays else np.empty((size, 0), dtype))
