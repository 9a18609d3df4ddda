"""The rows of one task that have a label, and what may be asked of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfrs_mtl.evaluation.arrays import Codes, Floats, Integers, Numbers


@dataclass(frozen=True)
class LabelledRows:
    """The rows of one task that have a label, as float64.

    Attributes:
        labels: ``[rows]``.
        predictions: ``[rows]``.
        queries: ``[rows]``, counted from 0 in the order of ``names``.
        names: ``[queries]`` the caller's codes of the queries.
    """

    labels: Floats
    predictions: Floats
    queries: Integers
    names: Integers

    @classmethod
    def select(cls, labels: Numbers, predictions: Numbers, queries: Codes) -> LabelledRows:
        """Keep the rows whose label is not NaN; all arrays ``[rows]``.

        Raises:
            ValueError: if the arrays differ in length.
        """
        if not labels.shape == predictions.shape == queries.shape or labels.ndim != 1:
            shapes = [list(a.shape) for a in (labels, predictions, queries)]
            raise ValueError(f"expected labels, predictions and queries of one shape [rows], got {shapes}")
        labels = labels.astype(np.float64)
        known = ~np.isnan(labels)
        names, dense = np.unique(queries[known], return_inverse=True)
        return cls(labels[known], predictions[known].astype(np.float64), dense, names.astype(np.int64))

    def check_binary(self) -> None:
        """Refuse labels other than 0 and 1 with a ValueError."""
        if not np.isin(self.labels, (0.0, 1.0)).all():
            raise ValueError(f"expected labels 0, 1 or NaN, got {np.unique(self.labels)[:5]}")

    def is_finite(self) -> bool:
        """Say whether every prediction is a number."""
        return bool(np.isfinite(self.predictions).all())

    def are_probabilities(self) -> bool:
        """Say whether every prediction is in [0, 1]."""
        return bool(((self.predictions >= 0) & (self.predictions <= 1)).all())
