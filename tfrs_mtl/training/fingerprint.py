"""What tells one training from another: its settings, its inputs and every byte of its data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from tfrs_mtl.dataset.examples import Examples, ModelInput
from tfrs_mtl.spec import Retrieval
from tfrs_mtl.spec.ranking import Ranking


def fingerprint(settings: Retrieval | Ranking, inputs: Sequence[ModelInput], examples: Examples) -> str:
    """Return a hash; a checkpoint made under another one is not resumed."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(settings.model_dump_json(exclude={"training": {"epochs"}}).encode())
    digest.update(repr(tuple(inputs)).encode())
    for block in examples.blocks:
        for name in sorted(block.arrays):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(block.arrays[name]).data)
        if block.rows is not None:
            digest.update(np.ascontiguousarray(block.rows).data)
    if examples.times is not None:
        digest.update(np.ascontiguousarray(examples.times).data)
    if examples.slates is not None:
        digest.update(np.ascontiguousarray(examples.slates).data)
    for values in (examples.labels, examples.weights):
        for name in sorted(values):
            digest.update(np.ascontiguousarray(values[name]).data)
    return digest.hexdigest()
