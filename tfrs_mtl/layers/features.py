"""The tensors that a model's inputs stand for: their signature, zeros of their form, and their choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import ModelInput, ages_of
from tfrs_mtl.errors import nearest


def signature(inputs: Iterable[ModelInput]) -> dict[str, Any]:
    """Return name -> ``tf.TensorSpec`` of every array the inputs need, for any number of rows."""
    specs = {}
    for model_input in inputs:
        name = model_input.name
        if model_input.form == "category":
            specs[name] = tf.TensorSpec([None], tf.int32)
        elif model_input.form == "dense":
            specs[name] = tf.TensorSpec([None, model_input.size], tf.float32)
        else:
            specs[name] = tf.TensorSpec([None, None], tf.int32)
        if model_input.form == "history":
            specs[ages_of(name)] = tf.TensorSpec([None, None], tf.float32)
    return specs


def names_of(model_input: ModelInput) -> tuple[str, ...]:
    """Return the names of the arrays that an input needs."""
    name = model_input.name
    return (name, ages_of(name)) if model_input.form == "history" else (name,)


def zeros(inputs: Iterable[ModelInput], *, rows: int = 1) -> dict[str, Any]:
    """Return name -> zeros of every array the inputs need; lists have length 1."""
    return {
        name: tf.zeros([rows, *(size or 1 for size in spec.shape[1:])], spec.dtype)
        for name, spec in signature(inputs).items()
    }


def select(features: Mapping[str, Any], inputs: Iterable[ModelInput]) -> dict[str, Any]:
    """Return the arrays that the inputs need, out of a batch that may hold more.

    Raises:
        ValueError: an array is missing.
    """
    names = [name for given in inputs for name in names_of(given)]
    missing = [name for name in names if name not in features]
    if missing:
        raise ValueError(f"the batch has no array {missing[0]!r}; {nearest(missing[0], sorted(features))}")
    return {name: features[name] for name in names}
