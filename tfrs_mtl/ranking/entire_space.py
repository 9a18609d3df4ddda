"""Chains of binary tasks over all rows, not only those where the conditions came true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.batches import label_of

_NEVER_CERTAIN = -1e-6
"""The greatest logarithm of a chance: float32 tells 1 - e^s from 0 there."""


def joint_label(chain: Sequence[str], batch: Mapping[str, Any]) -> Any:
    """Return 1 where all of a chain came true, 0 where one did not, NaN where that is not known, [batch]."""
    joint = batch[label_of(chain[0])]
    for name in chain[1:]:
        joint = tf.where(tf.equal(joint, 1.0), batch[label_of(name)], joint)
    return joint


def log_chances(chain: Sequence[str], logits: Mapping[str, Any]) -> Any:
    """Return log P(all of a chain), [batch], from each one's logit given those before it."""
    return tf.add_n([tf.math.log_sigmoid(logits[name]) for name in chain])


def logit_of(log_chance: Any) -> Any:
    """Return log(p / (1 - p)) of log p, [batch]; chances beyond what float32 knows are cut off."""
    log_chance = tf.minimum(log_chance, _NEVER_CERTAIN)
    return log_chance - tf.math.log(-tf.math.expm1(log_chance))


def joint_losses(logit: Any, chain: Sequence[str], batch: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the cross-entropy of all of a chain coming true [batch], and where that is known [batch].

    Args:
        logit: of the chance that all of it comes true, [batch].
    """
    label = joint_label(chain, batch)
    known = tf.math.is_finite(label)
    label = tf.where(known, label, tf.zeros_like(label))
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=logit), known
