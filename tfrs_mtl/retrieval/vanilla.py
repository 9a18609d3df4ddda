"""The retrieval model of the TFRS tutorial, as a baseline."""

from __future__ import annotations

from tfrs_mtl import spec


def vanilla(retrieval: spec.Retrieval) -> spec.Retrieval:
    """Return the settings of vanilla TFRS with the same dim and training.

    Feed such a model one id input a side, ``dim`` wide: plain id embeddings, dot product, in-batch softmax,
    nothing corrected.
    """
    return spec.Retrieval(
        dim=retrieval.dim,
        positives=retrieval.positives,
        training=retrieval.training,
        hidden=(),
        history="none",
        normalise=False,
        temperature=1.0,
        logq=False,
        remove_accidental_hits=False,
        mask_positives=False,
        item_dropout=0.0,
    )
