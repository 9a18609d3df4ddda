"""Probabilities among sampled negatives as chances among candidates."""

from __future__ import annotations

import math
from typing import Any, NamedTuple


class Share(NamedTuple):
    """What a task learnt among negatives that were drawn, as a chance among a query's candidates.

    A model that tells positives from negatives of density q(i), m to a positive, learns the odds
    P(i | query) / (m q(i)), whatever q is (the density ratio of logistic regression). So
    odds * m q(i) = P(i | query): what the draws took from popular items is given back. A model that is
    surer or less sure than it should be, and candidates that are chosen otherwise than negatives, are met by

        logit of the chance = slope * logit + exponent * log(m q(i)) + shift

    fitted on what queries met in the validation window.
    """

    slope: float = 1.0
    exponent: float = 1.0
    shift: float = 0.0

    def odds(self, odds: Any, exposure: Any) -> Any:
        """Return the odds of the chances, [n], in arrays of numpy or TensorFlow.

        Args:
            odds: among sampled negatives, [n].
            exposure: m q(i) of each row's item, [n].
        """
        return odds**self.slope * exposure**self.exponent * math.exp(self.shift)
