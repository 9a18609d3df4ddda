"""What an architecture offers to the model that it is part of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.ranking.losses import TaskLoss, conditional_losses


class Architecture(tf.keras.layers.Layer):
    """From the encoded inputs [batch, width] to a representation [batch, any width] of each task.

    A head turns each representation into its task's raw output. ``first`` is affine in x: then what a query
    and an item add to it is computed once for each of them, not once a pair.

    Whatever an architecture learns, a task with ``when`` is answered given that the other task came true, so
    that neither fusion nor evaluation need to know of architectures. One whose raw outputs mean something
    else overrides ``given``; one that learns from more than the rows where the ``when`` came true overrides
    ``losses``.
    """

    def __init__(self, ranking: spec.Ranking) -> None:
        super().__init__()
        self.tasks = ranking.tasks

    def call(self, x: Any, training: Any = None) -> dict[str, Any]:
        """Return task -> representation."""
        return self.rest(self.first(x, training=training), training=training)

    def first(self, x: Any, training: Any = None) -> Any:
        """Return [batch, any width], affine in x."""
        raise NotImplementedError

    def rest(self, z: Any, training: Any = None) -> dict[str, Any]:
        """Return task -> representation from what ``first`` gave."""
        raise NotImplementedError

    def mixing(self, z: Any) -> Any | None:
        """Return each task's share of each expert, [batch, tasks, experts], from what ``first`` gave.

        None where tasks mix no experts: here, and wherever this is not overridden.
        """
        return None

    def given(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the heads' raw outputs as those of the tasks given their ``when``: here, as they are."""
        return raw

    def losses(
        self, x: Any, raw: Mapping[str, Any], batch: Mapping[str, Any], heads: Mapping[str, Any]
    ) -> dict[str, TaskLoss]:
        """Return task -> what it has to learn from a batch.

        Args:
            x: the encoded inputs, [batch, width].
            raw: task -> what its head made of its representation.
            batch: holds the labels under ``label#<task>``.
            heads: task -> head.
        """
        return conditional_losses(self.tasks, heads, raw, batch)
