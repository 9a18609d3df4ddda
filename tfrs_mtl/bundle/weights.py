"""A model's weights as one file of plain arrays.

HDF5, which is Keras' own way, takes the whole process down when the disk is full at the wrong moment; numpy
raises an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tfrs_mtl.errors import BundleError


def save_weights(model: Any, file: Path) -> None:
    """Write all weights of a built model, in its own order, into an uncompressed ``.npz``."""
    arrays = {f"{number:04d}": weight for number, weight in enumerate(model.get_weights())}
    with file.open("wb") as stream:
        np.savez(stream, **arrays)


def load_weights(model: Any, file: Path) -> None:
    """Give a model, built as the one that was saved, its weights.

    Raises:
        BundleError: the file holds other weights than the model has.
    """
    with np.load(file, allow_pickle=False) as stored:
        weights = [stored[name] for name in sorted(stored.files)]
    expected = [weight.shape for weight in model.get_weights()]
    found = [weight.shape for weight in weights]
    if found != expected:
        raise BundleError(f"{file}: expected weights of shapes {expected}, found {found}; train again")
    model.set_weights(weights)
