"""Embedding tables, shared by every input that names the same table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tfrs_mtl._tf import tf
from tfrs_mtl.dataset.examples import UNKNOWN, ModelInput


class SmallUniform(tf.keras.initializers.Initializer):
    """Uniform in +-0.05, but the null row and the unknown row are zero: they say nothing until trained."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """Return [rows, dim]."""
        rows = tf.range(shape[0])[:, tf.newaxis]
        values = tf.keras.initializers.RandomUniform(-0.05, 0.05)(shape, dtype=dtype)
        return tf.where(rows > UNKNOWN, values, tf.zeros_like(values))


class Tables(tf.keras.layers.Layer):
    """One dictionary of embedding tables, by name.

    Args:
        inputs: every input of the model; those that name the same table must agree on its shape.
        extra: columns that an id has besides, for those who ask for them: in a table of their own, so that
            who does not ask (a history of a hundred ids) neither reads nor moves them.
    """

    def __init__(self, inputs: Iterable[ModelInput], *, extra: int = 0) -> None:
        super().__init__()
        shapes: dict[str, tuple[int, int]] = {}
        for model_input in inputs:
            if model_input.form == "dense":
                continue
            shape = (model_input.size, model_input.dim)
            if shapes.setdefault(model_input.table, shape) != shape:
                raise ValueError(
                    f"input {model_input.name!r} wants table {model_input.table!r} as {shape} "
                    f"(ids, width), but another input has it as {shapes[model_input.table]}"
                )
        self.embeddings = {name: _embedding(size, dim) for name, (size, dim) in shapes.items()}
        self.extra = {name: _embedding(size, extra) for name, (size, _) in shapes.items()} if extra else {}

    def call(self, ids: Any, *, table: str, extra: bool = False) -> Any:
        """Look ids [...] up in a table and return [..., dim], with ``extra`` [..., dim + extra]."""
        found = self.embeddings[table](ids)
        return tf.concat([found, self.extra[table](ids)], axis=-1) if extra and self.extra else found


def _embedding(size: int, width: int) -> Any:
    return tf.keras.layers.Embedding(size, width, embeddings_initializer=SmallUniform())
